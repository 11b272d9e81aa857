import { samePair, until } from '@bunnydb/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { DatabasePair } from '../src/database-pair.js';
import { copyAgain } from '../src/fresh-copy.js';
import type { MirrorFixture } from '../src/mirror-fixture.js';
import { type Stack, startStack } from '../src/stack.js';

const TABLE = `create table t (id integer primary key, v text, u integer unique);`;
const PAIRS = [samePair('public', 't')];

interface Counts {
  readonly rows_inserted: number;
  readonly rows_updated: number;
  readonly rows_deleted: number;
  readonly rows_synced: number;
}

describe('rows that differ already, and what is counted', () => {
  let stack: Stack;
  let pair: DatabasePair;
  let mirror: MirrorFixture;

  beforeAll(async () => {
    stack = await startStack('conflicts');
    pair = await stack.createPair({
      source: `${TABLE} insert into t select i, 'v', i from generate_series(1, 50) i`,
      destination: TABLE,
    });
    mirror = await pair.createMirror({ all_tables: true });
    await mirror.waitForStatus('running');
  });
  afterAll(() => stack?.stop());

  async function waitForCounts(expected: Counts): Promise<void> {
    let seen = '';
    await until(
      async () => {
        const { tables = [] } = await mirror.view();
        const table = tables.find(({ table_name: name }) => name === 'public.t');
        seen = JSON.stringify(table);
        return Object.entries(expected).every(
          ([name, count]) => table !== undefined && Reflect.get(table, name) === count,
        );
      },
      {
        timeoutMs: 30_000,
        what: () => `the counters to be ${JSON.stringify(expected)}; they are ${seen}`,
      },
    );
  }

  async function missingRows(): Promise<number> {
    const { body } = await stack.api.call('GET', `/v1/mirrors/${mirror.name}/metrics`);
    return Number(Reflect.get(body as object, 'missing_rows'));
  }

  test('every row is counted once, and the counters outlive kill -9 of everything', async () => {
    await pair.source.query(`insert into t select i, 'new', i from generate_series(51, 80) i`);
    await pair.source.query(`update t set v = 'changed' where id <= 20`);
    await pair.source.query('delete from t where id > 75');
    await pair.source.query(`begin; insert into t values (900, 'x', 900); rollback`);
    await mirror.waitForEqual(PAIRS);
    const counts = { rows_inserted: 30, rows_updated: 20, rows_deleted: 5, rows_synced: 105 };
    await waitForCounts(counts);
    // They are written about a second after the rows.
    await pair.until(async () => {
      const { rows } = await pair.destination.query(
        `select from _bunny.table_state where source_table = 't' and rows_deleted = 5 and rows_inserted = 30`,
      );
      return rows.length > 0;
    }, 'the counters to be written');
    for (const service of ['apply', 'capture', 'control'] as const) await stack.kill(service);
    for (const service of ['apply', 'capture', 'control'] as const) await stack.restart(service);
    await mirror.waitForCatchUp();
    await waitForCounts(counts);
    await pair.source.query('delete from t where id = 75');
    await waitForCounts({ ...counts, rows_deleted: 6, rows_synced: 106 });
  });

  test('a failure is counted, and the count stays when it is over', async () => {
    const { error_count: before } = await mirror.view();
    await pair.destination.query(`insert into t values (-1, 'in the way', 200)`);
    await pair.source.query(`insert into t values (200, 'v', 200)`);
    await mirror.waitForTable('public.t', 'error');
    await pair.until(
      async () => (await mirror.view()).error_count > before,
      'the failure to be counted',
    );
    await pair.destination.query('delete from t where id = -1');
    await mirror.waitForTable('public.t', 'running');
    await mirror.waitForEqual(PAIRS);
    expect((await mirror.view()).error_count).toBeGreaterThan(before);
  });

  test('an insert of a key that is there already is refused, told, and right once the row in the way is gone', async () => {
    await pair.destination.query(`insert into t values (300, 'not the source’s', 300)`);
    await pair.source.query(`insert into t values (300, 'the source’s', 300)`);
    await mirror.waitForTable('public.t', 'error');
    await pair.destination.query('delete from t where id = 300');
    await mirror.waitForTable('public.t', 'running');
    await mirror.waitForEqual(PAIRS);
  });

  test('an update of a row that is missing inserts it, a delete of one is counted, and neither stops the others', async () => {
    const before = await missingRows();
    await pair.destination.query('delete from t where id in (1, 2)');
    await pair.source.query(`update t set v = 'complete', u = 1001 where id = 1`);
    await pair.source.query('delete from t where id = 2');
    await pair.source.query(`update t set v = 'beside' where id = 3`);
    await mirror.waitForEqual(PAIRS);
    await pair.until(async () => (await missingRows()) > before, 'the missing rows to be counted');
  });

  test('a row that was changed at the destination becomes the source’s with its next change, and all of them with a resync', async () => {
    await pair.destination.query(`update t set v = 'changed there' where id between 10 and 20`);
    await pair.source.query(`update t set v = 'changed here' where id = 10`);
    await mirror.waitForCatchUp();
    const { rows } = await pair.destination.query(
      'select v from t where id in (10, 11) order by id',
    );
    expect(rows).toEqual([{ v: 'changed here' }, { v: 'changed there' }]);
    await copyAgain(stack, pair, mirror, { table: 'public.t', strategy: 'swap' });
    await mirror.waitForEqual(PAIRS);
  });

  test('several unique keys in the way at once hold the table, and a resync is the way out', async () => {
    await pair.destination.query(
      `insert into t values (-1, 'a', 401), (-2, 'b', 402), (403, 'c', -3)`,
    );
    await pair.source.query(
      `insert into t values (401, 'v', 401), (402, 'v', 402), (403, 'v', 403)`,
    );
    await mirror.waitForTable('public.t', 'error');
    await resync();
    await mirror.waitForEqual(PAIRS);
  });

  test('a large transaction with DDL, parts of which are rolled back, arrives as the source has it', async () => {
    await pair.source.query(`begin;
      insert into t select i, repeat('l', 100), i from generate_series(10000, 30000) i;
      savepoint a; alter table t add column gone integer; update t set gone = 1; rollback to a;
      savepoint b; insert into t select i, 'undone', i from generate_series(40000, 45000) i; rollback to b;
      savepoint c; alter table t add column kept text; update t set kept = 'k' where id % 100 = 0; release c;
      insert into t select i, 'after', i, 'k' from generate_series(50000, 55000) i;
      delete from t where id between 20000 and 21000;
      commit`);
    await mirror.waitForTable('public.t', 'running');
    await mirror.waitForEqual(PAIRS);
    await pair.source.query(`begin;
      alter table t drop column kept; insert into t select i, 'never', i from generate_series(60000, 80000) i;
      rollback`);
    await pair.source.query(`update t set kept = 'still there' where id = 50000`);
    await mirror.waitForEqual(PAIRS);
  });

  async function resync(): Promise<void> {
    await copyAgain(stack, pair, mirror, { table: 'public.t', strategy: 'truncate' });
  }
});
