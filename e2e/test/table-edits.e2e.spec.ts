import { samePair, until } from '@bunnydb/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { DatabasePair } from '../src/database-pair.js';
import { LEDGER_PAIRS, createLedgerPair } from '../src/ledger-run.js';
import { startLedgerWriters } from '../src/ledger.js';
import type { MirrorFixture } from '../src/mirror-fixture.js';
import { remainsOf } from '../src/remains.js';
import { watchSlot } from '../src/slot-watch.js';
import { type Stack, startStack } from '../src/stack.js';
import { putTables, waitForTables } from '../src/table-list.js';

const LEDGER = LEDGER_PAIRS.map(({ source }) => `${source.schema}.${source.table}`);
const MORE = `
create table more (id integer primary key, v text);
insert into more select i, 'more ' || i from generate_series(1, 5000) i;`;

describe('tables that join and leave a running mirror', () => {
  let stack: Stack;
  let pair: DatabasePair;
  let mirror: MirrorFixture;

  beforeAll(async () => {
    stack = await startStack('table-edits');
    pair = await createLedgerPair(stack);
    await pair.source.query(MORE);
    mirror = await pair.createMirror({ table_mappings: LEDGER });
    await mirror.waitForStatus('running');
  });
  afterAll(() => stack?.stop());

  /** Writes to the ledger and to `more` while something is done; the slot has to live on. */
  async function underWrites(work: () => Promise<void>): Promise<void> {
    const slotWatch = await watchSlot(pair, mirror);
    const writers = await startLedgerWriters({
      connectionString: pair.sourceUrl,
      sessions: 3,
      transactionsPerSecond: 30,
    });
    let isDone = false;
    const session = await pair.connectSource();
    const more = (async () => {
      for (let n = 1; !isDone; n += 1)
        await session.query(
          `with gone as (delete from more where id = $1)
           insert into more values ($1 + 1000000, 'new') on conflict (id) do update set v = more.v || '.'`,
          [n % 4000],
        );
    })();
    try {
      await work();
    } finally {
      isDone = true;
      await Promise.all([writers.stop(), more]);
    }
    expect((await slotWatch.stop()).breaks).toEqual([]);
  }

  async function publishedTables(): Promise<string[]> {
    const { publication_name: name } = await mirror.view();
    const { rows } = await pair.source.query<{ name: string }>(
      `select schemaname || '.' || tablename as name from pg_publication_tables where pubname = $1`,
      [name],
    );
    return rows.map((row) => row.name);
  }

  async function existsAtDestination(table: string): Promise<boolean> {
    const { rows } = await pair.destination.query<{ there: boolean }>(
      'select to_regclass($1) is not null as there',
      [table],
    );
    return rows[0]?.there === true;
  }

  test('a table that is added under load is made, copied and joined, and the others go on', async () => {
    await underWrites(async () => {
      const change = await putTables(stack, mirror, [...LEDGER, 'public.more']);
      expect(change).toMatchObject({ added: ['public.more'], removed: [] });
      await waitForTables(mirror, [...LEDGER, 'public.more']);
    });
    await mirror.waitForEqual([...LEDGER_PAIRS, samePair('public', 'more')]);
  });

  test('a table that is removed under load leaves the publication and changes no more; its rows stay', async () => {
    await underWrites(async () => {
      await putTables(stack, mirror, LEDGER);
      await waitForTables(mirror, LEDGER);
    });
    expect(await publishedTables()).not.toContain('public.more');
    const before = await pair.destination.query('select count(*) from more');
    await pair.source.query(`insert into more values (-1, 'never seen there')`);
    await mirror.waitForEqual(LEDGER_PAIRS);
    const after = await pair.destination.query('select count(*) from more');
    expect(after.rows).toEqual(before.rows);
  });

  test('a table that was removed and dropped joins again with all that changed meanwhile, and leaves nothing when it is removed with its rows', async () => {
    await pair.destination.query('drop table more');
    await underWrites(async () => {
      await putTables(stack, mirror, [...LEDGER, 'public.more']);
      await waitForTables(mirror, [...LEDGER, 'public.more']);
    });
    await mirror.waitForEqual([...LEDGER_PAIRS, samePair('public', 'more')]);
    await underWrites(async () => {
      await putTables(stack, mirror, LEDGER, { dropRemoved: true });
      await waitForTables(mirror, LEDGER);
      await pair.until(async () => !(await existsAtDestination('more')), 'the table to be dropped');
    });
    await mirror.waitForEqual(LEDGER_PAIRS);
  });

  test('a table of another name and without a column joins like any other', async () => {
    await pair.source.query('alter table more add secret text');
    const mapping = {
      source_schema: 'public',
      source_table: 'more',
      destination_schema: 'public',
      destination_table: 'more_there',
      exclude_columns: ['secret'],
    };
    await putTables(stack, mirror, [...LEDGER, mapping]);
    await waitForTables(mirror, [...LEDGER, 'public.more']);
    await pair.source.query(`insert into more values (-2, 'public', 'secret')`);
    await mirror.waitForCatchUp();
    const { rows } = await pair.destination.query('select * from more_there where id = -2');
    expect(rows).toEqual([{ id: -2, v: 'public' }]);
    await putTables(stack, mirror, LEDGER, { dropRemoved: true });
    await waitForTables(mirror, LEDGER);
  });

  test('a table whose copy is refused is in error while the others go on, and is copied once the reason is gone', async () => {
    await pair.source.query(`create table twice (id integer primary key, v integer not null);
      insert into twice select i, i / 2 from generate_series(1, 200) i`);
    await pair.destination.query(
      'create table twice (id integer primary key, v integer not null unique)',
    );
    await putTables(stack, mirror, [...LEDGER, 'public.twice']);
    const { error_message } = await mirror.waitForTable('public.twice', 'error');
    expect(error_message).toContain('twice_v_key');
    await underWrites(() => mirror.waitForEqual([]));
    await pair.destination.query('alter table twice drop constraint twice_v_key');
    const { status } = await stack.api.call('POST', `/v1/mirrors/${mirror.name}/retry`, {
      table: 'public.twice',
    });
    expect([200, 409]).toContain(status);
    await waitForTables(mirror, [...LEDGER, 'public.twice']);
    await mirror.waitForEqual([...LEDGER_PAIRS, samePair('public', 'twice')]);
  });

  test('a table that is dropped on the source while it is copied harms no other, and is let go when it is removed', async () => {
    await pair.source.query(`create table brief (id integer primary key, v text);
      insert into brief select i, repeat('b', 400) from generate_series(1, 60000) i`);
    await putTables(stack, mirror, [...LEDGER, 'public.brief']);
    await pair.until(
      async () => (await copyState('brief')) !== undefined,
      'the copy to be asked for',
    );
    await pair.source.query('drop table brief');
    await underWrites(() => mirror.waitForEqual([]));
    await putTables(stack, mirror, LEDGER, { dropRemoved: true });
    await waitForTables(mirror, LEDGER);
    await mirror.waitForEqual(LEDGER_PAIRS);
  });

  test('pause and resume in the middle of an added table’s copy end equal', async () => {
    await pair.source.query(`create table large (id integer primary key, v text);
      insert into large select i, repeat('l', 400) from generate_series(1, 60000) i`);
    await putTables(stack, mirror, [...LEDGER, 'public.large']);
    await pair.until(async () => (await copyState('large')) === 'copying', 'the copy to begin');
    await stack.api.pause(mirror.name);
    await mirror.waitForStatus('paused');
    await pair.source.query(`update large set v = 'changed in the pause' where id <= 100`);
    await stack.api.resume(mirror.name);
    await waitForTables(mirror, [...LEDGER, 'public.large']);
    await mirror.waitForEqual([...LEDGER_PAIRS, samePair('public', 'large')]);
  });

  test('a delete in the middle of an added table’s copy leaves no slot and nothing else', async () => {
    await pair.source.query(`create table last (id integer primary key, v text);
      insert into last select i, repeat('l', 400) from generate_series(1, 60000) i`);
    await putTables(stack, mirror, [...LEDGER, 'public.last']);
    await pair.until(async () => (await copyState('last')) === 'copying', 'the copy to begin');
    await mirror.remove();
    let remains: readonly string[] = [];
    await until(async () => (remains = await remainsOf(pair, stack.natsUrl)).length === 0, {
      timeoutMs: 15_000,
      what: () => `nothing to be left: ${remains.join(', ')}`,
    });
  });

  async function copyState(table: string): Promise<string | undefined> {
    const { rows } = await pair.observer.query<{ state: string }>(
      `select state from _bunny.table_state where source_table = $1`,
      [table],
    );
    return rows[0]?.state;
  }
});
