import { samePair } from '@bunnydb/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { TableView } from '../src/api-client.js';
import type { DatabasePair } from '../src/database-pair.js';
import { LEDGER_PAIRS, createLedgerPair, runUnderLoad } from '../src/ledger-run.js';
import type { MirrorFixture } from '../src/mirror-fixture.js';
import { type Stack, startStack } from '../src/stack.js';

const TABLE = `create table shape (id integer primary key, a text); insert into shape select n, 'row ' || n from generate_series(1, 500) n;
  create table other (id integer primary key)`;

describe('a table of the source', () => {
  let stack: Stack;

  beforeAll(async () => {
    stack = await startStack('source-tables', { environment: { BUNNY_SCHEMA_POLL_MS: '500' } });
  });
  afterAll(() => stack?.stop());

  async function tablesOf(mirror: MirrorFixture): Promise<readonly TableView[]> {
    return (await mirror.view()).tables ?? [];
  }

  /** Waits until the mirror has the table under this name and streams it. */
  async function waitForName(mirror: MirrorFixture, name: string): Promise<TableView> {
    return await mirror.waitForTable(name, 'running');
  }

  async function rowsCopied(pair: DatabasePair, table: string): Promise<string | undefined> {
    const { rows } = await pair.destination.query<{ lsn: string }>(
      `select copy_lsn::text as lsn from _bunny.table_state where source_table = $1`,
      [table],
    );
    return rows[0]?.lsn;
  }

  test.each([
    ['a list', { table_mappings: ['public.shape', 'public.other'] }],
    ['a pattern', { all_tables: true }],
  ])('that is renamed in a mirror of %s is followed, and not copied again', async (_, tables) => {
    const pair = await stack.createPair({ source: TABLE });
    const mirror = await pair.createMirror(tables);
    await mirror.waitForStatus('running');
    await mirror.waitForCatchUp();
    const copied = await rowsCopied(pair, 'shape');
    await pair.source.query(`
      insert into shape values (1001, 'before'); alter table shape rename to form; insert into form values (1002, 'after');
      update form set a = 'changed' where id < 100; delete from form where id = 200`);
    expect(await waitForName(mirror, 'public.form')).toMatchObject({
      destination_table: 'public.form',
    });
    await pair.source.query(
      `alter table form add column b integer default 4; insert into form values (1003, 'more', 5)`,
    );
    await mirror.waitForEqual([samePair('public', 'form'), samePair('public', 'other')]);
    expect(await rowsCopied(pair, 'form')).toBe(copied);
    expect((await tablesOf(mirror)).map((table) => table.table_name)).not.toContain('public.shape');
    const { rows } = await pair.destination.query(`select to_regclass('public.shape') as former`);
    expect(rows).toEqual([{ former: null }]);
  });

  test('that nobody writes to is followed to another name and schema, too, a mapped one under its own', async () => {
    const pair = await stack.createPair({ source: TABLE });
    const mirror = await pair.createMirror({
      table_mappings: [
        'public.shape',
        { source_table: 'public.other', destination_table: 'copy.mine' },
      ],
    });
    await mirror.waitForStatus('running');
    await pair.source
      .query(`create schema moved; alter table shape set schema moved; alter table moved.shape rename to form;
      alter table other rename to another`);
    await waitForName(mirror, 'moved.form');
    expect(await waitForName(mirror, 'public.another')).toMatchObject({
      destination_table: 'copy.mine',
    });
    await pair.source.query(
      `insert into moved.form values (1001, 'x'); insert into another values (7)`,
    );
    await mirror.waitForEqual([
      samePair('moved', 'form'),
      {
        source: { schema: 'public', table: 'another' },
        destination: { schema: 'copy', table: 'mine' },
      },
    ]);
  });

  test('of the ledger that is renamed there and back, while services die, loses nothing', async () => {
    const pair = await createLedgerPair(stack);
    const mirror = await pair.createMirror({ all_tables: true });
    await mirror.waitForStatus('running');
    const { source } = pair;
    await runUnderLoad(
      pair,
      mirror,
      async () => {
        for (const victim of ['apply', 'schema', 'capture'] as const) {
          // Writers go on through a view.
          await source.query(
            'begin; alter table movement rename to transfer; create view movement as select * from transfer; commit',
          );
          await waitForName(mirror, 'public.transfer');
          await source.query(
            'begin; drop view movement; alter table transfer rename to movement; commit',
          );
          await stack.kill(victim);
          await stack.restart(victim);
          await waitForName(mirror, 'public.movement');
        }
      },
      { tableIsInLane: true },
    );
    await mirror.waitForEqual(LEDGER_PAIRS);
  });

  test('that takes the place of another one, as migrations do it, comes with its own rows', async () => {
    const pair = await stack.createPair({
      source: `${TABLE}; create table fresh (id integer primary key, a text); insert into fresh select n, 'fresh ' || n from generate_series(1, 50) n`,
    });
    const mirror = await pair.createMirror({ table_mappings: ['public.shape', 'public.other'] });
    await mirror.waitForStatus('running');
    await pair.source.query(`
      begin; alter table shape rename to old; alter table fresh rename to shape; commit; insert into shape values (2000, 'new')`);
    await pair.until(async () => {
      const { rows } = await pair.destination.query(`select from shape where id = 2000`);
      return rows.length > 0;
    }, 'the row of the new table');
    await waitForName(mirror, 'public.shape');
    await mirror.waitForEqual([samePair('public', 'shape')]);
  });

  test.each([
    ['and written to', `insert into shape values (7, 'new')`],
    ['and left empty', 'select 1'],
  ])('that is dropped and made anew in one transaction %s is copied again', async (_, write) => {
    const pair = await stack.createPair({ source: TABLE });
    const mirror = await pair.createMirror({ table_mappings: ['public.shape', 'public.other'] });
    await mirror.waitForStatus('running');
    await pair.source.query(
      `begin; drop table shape; create table shape (id integer primary key, a text, b integer); ${write}; commit; insert into other values (1)`,
    );
    await pair.until(async () => {
      const { rows } = await pair.destination.query<{ count: number }>(
        `select count(*)::integer as count from shape`,
      );
      return (rows[0]?.count ?? 500) < 500;
    }, 'the rows of the old table to go');
    await waitForName(mirror, 'public.shape');
    await pair.source.query(`insert into shape values (8, 'then', 3)`);
    await mirror.waitForEqual([samePair('public', 'shape'), samePair('public', 'other')]);
  });

  test('that is dropped leaves its rows at the destination: the others go on, and it is told and taken out', async () => {
    const pair = await stack.createPair({ source: TABLE });
    const mirror = await pair.createMirror({ table_mappings: ['public.shape', 'public.other'] });
    await mirror.waitForStatus('running');
    await pair.source.query('drop table shape; insert into other values (1)');
    await mirror.waitForEqual([samePair('public', 'other')]);
    const { body } = await stack.api.call('GET', `/v1/mirrors/${mirror.name}/schema-diff`);
    expect(body).toMatchObject({ in_sync: true, notes: [{ object: 'public.shape' }] });
    // It keeps no other table from joining.
    await pair.source.query(
      'create table later (id integer primary key); insert into later values (1)',
    );
    const put = await stack.api.call('PUT', `/v1/mirrors/${mirror.name}/tables`, {
      table_mappings: ['public.shape', 'public.other', 'public.later', 'public.e2e_mark'],
    });
    expect(put.status).toBe(200);
    await waitForName(mirror, 'public.later');
    const less = await stack.api.call('PUT', `/v1/mirrors/${mirror.name}/tables`, {
      table_mappings: ['public.other', 'public.later', 'public.e2e_mark'],
    });
    expect(less.status).toBe(200);
    await pair.until(async () => (await tablesOf(mirror)).length === 3, 'the table to leave');
    const { rows } = await pair.destination.query('select count(*)::integer as count from shape');
    expect(rows).toEqual([{ count: 500 }]);
    await mirror.waitForEqual([samePair('public', 'other'), samePair('public', 'later')]);
  });

  test('that is dropped leaves a mirror of all tables by itself, and comes back with its name', async () => {
    const pair = await stack.createPair({ source: TABLE });
    const mirror = await pair.createMirror({ all_tables: true });
    await mirror.waitForStatus('running');
    await pair.source.query('insert into other values (1)');
    await mirror.waitForCatchUp();
    await pair.source.query('drop table other');
    await pair.until(
      async () => !(await tablesOf(mirror)).some((table) => table.table_name === 'public.other'),
      'the table to leave',
    );
    await pair.source.query(
      'create table other (id integer primary key); insert into other values (3)',
    );
    // The rows of before may be all that is left of that table: they are somebody's to give up.
    await pair.until(async () => {
      const other = (await tablesOf(mirror)).find((table) => table.table_name === 'public.other');
      return other?.error_message?.includes('fix: truncate "public"."other"') === true;
    }, 'the mirror to say what to do');
    await pair.destination.query('truncate public.other');
    const retry = { table: 'public.other' };
    const { status } = await stack.api.call('POST', `/v1/mirrors/${mirror.name}/retry`, retry);
    expect(status).toBe(200);
    await waitForName(mirror, 'public.other');
    await mirror.waitForEqual([samePair('public', 'other'), samePair('public', 'shape')]);
  });

  test('with columns that are left out gets a new column with all that was written to it', async () => {
    const pair = await stack.createPair({
      source: `create table shape (id integer primary key, a text, secret text); insert into shape select n, 'a', 's' from generate_series(1, 300) n`,
    });
    const mirror = await pair.createMirror({
      table_mappings: [
        { source_schema: 'public', source_table: 'shape', exclude_columns: ['secret'] },
      ],
    });
    await mirror.waitForStatus('running');
    await pair.source.query(`
      begin; alter table shape add column b integer default 3; insert into shape values (1001, 'x', 's', 4); commit;
      update shape set b = 5 where id = 1; insert into shape values (1002, 'x', 's', 6)`);
    const pairs = [{ ...samePair('public', 'shape'), columns: ['id', 'a', 'b'] }];
    await pair.until(async () => {
      const { rows } = await pair.destination
        .query('select b from shape where id in (1, 1001) order by id')
        .catch(() => ({ rows: [] }));
      return JSON.stringify(rows) === JSON.stringify([{ b: 5 }, { b: 4 }]);
    }, 'the values of the new column');
    await waitForName(mirror, 'public.shape');
    await pair.source.query(`insert into shape values (1003, 'y', 's', 7)`);
    await mirror.waitForEqual(pairs);
    const { rows } = await pair.destination.query(
      `select from information_schema.columns where table_name = 'shape' and column_name = 'secret'`,
    );
    expect(rows).toEqual([]);
  });
});
