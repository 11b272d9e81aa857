import { samePair } from '@bunnydb/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { DatabasePair } from '../src/database-pair.js';
import { type Stack, startStack } from '../src/stack.js';

const filtered = (table: string, row_filter: string) => ({
  source_schema: 'public',
  source_table: table,
  row_filter,
});

/** All rows of the destination, and those that the filter leaves of the source. */
async function expectFiltered(pair: DatabasePair, table: string, filter: string): Promise<void> {
  const order = `order by 1, 2`;
  const wanted = await pair.source.query(`select * from ${table} where ${filter} ${order}`);
  const found = await pair.destination.query(`select * from ${table} ${order}`);
  expect(found.rows).toEqual(wanted.rows);
}

describe('row filters', () => {
  let stack: Stack;
  beforeAll(async () => {
    stack = await startStack('row-filters');
  });
  afterAll(() => stack?.stop());

  test('a row that an update brings into the filter is inserted, one that leaves it is deleted', async () => {
    const schema = `create table item (id int primary key, price numeric, title text); alter table item replica identity full;`;
    const pair = await stack.createPair({
      source: `${schema} insert into item select n, n, 'item ' || n from generate_series(1, 1000) n; insert into item values (2000, null, 'no price')`,
    });
    const filter = '(price > 500)';
    const mirror = await pair.createMirror({ table_mappings: [filtered('item', filter)] });
    await mirror.waitForStatus('running');
    await expectFiltered(pair, 'item', filter);
    await pair.source.query(`
      update item set price = price + 300 where id between 300 and 400; update item set price = price - 450 where id between 900 and 950;
      update item set title = 'other' where id % 10 = 0; update item set price = null where id = 999; update item set price = 600 where id = 2000;
      delete from item where id in (1, 1000); insert into item values (3001, 1, 'out'), (3002, 1000, 'in');
      begin; update item set price = 1 where id = 800; update item set price = 801 where id = 800; commit;
      begin; update item set price = 700 where id = 7; update item set price = 7 where id = 7; commit;
      update item set id = 4000, price = 900 where id = 8; update item set id = 4001, price = 2 where id = 990`);
    await mirror.waitForCatchUp();
    await expectFiltered(pair, 'item', filter);
    await pair.source.query(
      'truncate item; insert into item values (1, 501, $$in$$), (2, 500, $$out$$)',
    );
    await mirror.waitForCatchUp();
    await expectFiltered(pair, 'item', filter);
  });

  test('a filter on the key, on a toasted value and on partitions', async () => {
    const toasted = `repeat(md5(n::text), 300)`;
    const pair = await stack.createPair({
      source: `
        create table by_key (id int primary key, v int); insert into by_key select n, n from generate_series(1, 100) n;
        create table doc (id int primary key, body text, n int); alter table doc alter body set storage external; alter table doc replica identity full;
        insert into doc select n, case when n % 2 = 0 then 'keep ' else 'drop ' end || ${toasted}, n from generate_series(1, 50) n;
        create table log (id int, day date, level int, primary key (id, day)) partition by range (day);
        create table log_a partition of log for values from ('2024-01-01') to ('2025-01-01');
        create table log_b partition of log for values from ('2025-01-01') to ('2026-01-01');
        alter table log_a replica identity full; alter table log_b replica identity full; alter table log replica identity full;
        insert into log select n, date '2024-06-01' + n, n % 4 from generate_series(1, 400) n`,
      destination: 'create table log (id int, day date, level int, primary key (id, day))',
    });
    const mirror = await pair.createMirror({
      table_mappings: [
        filtered('by_key', '(id % 2 = 1)'),
        filtered('doc', `(body like 'keep%')`),
        filtered('log', '(level >= 2)'),
      ],
    });
    await mirror.waitForStatus('running');
    await pair.source.query(`
      update by_key set v = -v; update by_key set id = id + 101 where id <= 20; delete from by_key where id > 90 and id < 101;
      update doc set n = n + 1; update doc set body = 'keep ' || body where n = 4; update doc set body = 'drop' || body where n % 10 = 1;
      update log set level = level + 1 where id % 3 = 0; update log set level = 0 where id % 7 = 0;
      update log set day = day + 200, level = 3 where id in (5, 6, 9); insert into log values (5000, '2025-12-31', 2), (5001, '2025-12-31', 1)`);
    await mirror.waitForCatchUp();
    await expectFiltered(pair, 'by_key', '(id % 2 = 1)');
    await expectFiltered(pair, 'doc', `(body like 'keep%')`);
    await expectFiltered(pair, 'log', '(level >= 2)');
  });

  test('one table goes to two mirrors through different filters', async () => {
    const pair = await stack.createPair({
      source: `create table t (id int primary key, v int); insert into t select n, n from generate_series(1, 100) n`,
      destination:
        'create table low (id int primary key, v int); create table high (id int primary key, v int)',
    });
    const mapping = (destination_table: string, row_filter: string) => ({
      table_mappings: [
        { ...filtered('t', row_filter), destination_schema: 'public', destination_table },
      ],
    });
    const low = await pair.createMirror(mapping('low', '(id <= 50)'));
    await low.waitForStatus('running');
    const high = await pair.createMirror({ ...mapping('high', '(id > 50)') });
    await high.waitForStatus('running');
    await pair.source.query(
      'update t set v = v * 2; insert into t values (0, 0), (200, 0); update t set id = 51000 where id = 5',
    );
    await Promise.all([low.waitForCatchUp(), high.waitForCatchUp()]);
    const { rows } = await pair.destination.query(
      '(select * from low union all select * from high) order by id',
    );
    expect(rows).toEqual((await pair.source.query('select * from t order by id')).rows);
  });

  test('a filter that the source refuses, or that would make it refuse updates, is told before anything is made', async () => {
    const pair = await stack.createPair({ source: 'create table t (id int primary key, v int)' });
    for (const [filter, words] of [
      ['(v > 1)', /replica identity does not cover/],
      ['(nothing > 1)', /was refused by the source/],
    ] as const) {
      await expect(pair.createMirror({ table_mappings: [filtered('t', filter)] })).rejects.toThrow(
        words,
      );
    }
    await pair.source.query('insert into t values (1, 1); update t set v = 2');
    const mirror = await pair.createMirror({ all_tables: true });
    await mirror.waitForStatus('running');
    await mirror.waitForEqual([samePair('public', 't')]);
  });
});
