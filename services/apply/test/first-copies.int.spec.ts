import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { hasOnlyFirstCopies } from '../src/shell/table-states.js';
import { CopyFixture } from './copy-fixture.js';

let fixture: CopyFixture;

beforeEach(async () => {
  fixture = await CopyFixture.open();
  await fixture.both('create table a (id int primary key); create table b (id int primary key)');
  await fixture.source.query('insert into a values (1); insert into b values (1)');
  await fixture.copy(['public.a', 'public.b']);
});

afterEach(async () => {
  await fixture.untilNothingIsLeft();
  await fixture.close();
});

/** Notes where a table is, as its lane does. */
async function note(table: string, state: string, wish: object | null = null): Promise<void> {
  await fixture.destination.query(
    `update _bunny.table_state set state = $2, wish = $3, copy_lsn = null where source_table = $1`,
    [table, state, wish === null ? null : JSON.stringify(wish)],
  );
}

async function hasOnlyFirst(): Promise<boolean> {
  const client = await fixture.destination.connect();
  try {
    return await hasOnlyFirstCopies(client, fixture.mirrorId);
  } finally {
    await client.end();
  }
}

describe('the copy of a whole mirror', () => {
  it('leaves tables to their lanes while one is to be copied again, also one that waits in error or is held', async () => {
    await note('a', 'pending');
    expect(await hasOnlyFirst()).toBe(true);
    await note('b', 'error', { goes_on_as: 'pending' });
    expect(await hasOnlyFirst()).toBe(true);
    for (const state of ['error', 'held']) {
      await note('b', state, { goes_on_as: 'resyncing' });
      expect(await hasOnlyFirst()).toBe(false);
    }
    await note('b', 'resyncing');
    expect(await hasOnlyFirst()).toBe(false);
  });

  it('empties no table that failed before the mirror had written into it', async () => {
    await note('a', 'error', { goes_on_as: 'pending' });
    await expect(fixture.copy(['public.a'])).rejects.toMatchObject({
      kind: 'table_not_empty',
    });
    expect(await fixture.destination.query('select id from a')).toEqual([{ id: 1 }]);
  });

  it('begins anew with a table that failed half full', async () => {
    await note('a', 'error', { goes_on_as: 'copying' });
    await fixture.copy(['public.a']);
    expect(await fixture.difference(['public.a'])).toBe('');
  });
});
