import { afterEach, describe, expect, it } from 'vitest';
import { type TestDatabase, createDatabase, equalDatabases } from '../src/index.js';

const databases: TestDatabase[] = [];

async function twoDatabases(sql: string, encoding?: string): Promise<[TestDatabase, TestDatabase]> {
  const pair: [TestDatabase, TestDatabase] = [
    await createDatabase({ prefix: 'left' }),
    await createDatabase({ prefix: 'right', encoding }),
  ];
  databases.push(...pair);
  for (const database of pair) await database.query(sql);
  return pair;
}

afterEach(async () => {
  for (const database of databases.splice(0)) await database.drop();
});

const SHOP = `
  create table item (id int primary key, name text, price numeric, at timestamptz, data jsonb, raw bytea);
  insert into item select i, 'näme ' || i, i / 3.0, '2026-01-01'::timestamptz + i * interval '1 h', jsonb_build_object('b', i, 'a', null), '\\x00ff'
  from generate_series(1, 5000) i;
  create table pair (a int, b text); insert into pair values (1, 'x'), (1, 'x'), (2, null);`;

describe('comparing two databases', () => {
  it('finds equal content equal, in whatever order it lies and whatever the encoding is', async () => {
    const [left, right] = await twoDatabases(SHOP, 'LATIN1');
    await right.query(
      'update item set name = name; delete from pair; insert into pair values (2, null), (1, $$x$$), (1, $$x$$)',
    );
    const comparison = await equalDatabases(left.url, right.url);
    expect(comparison).toMatchObject({ equal: true, rows: 5003 });
  });

  it('names the keys that are missing, too many or different, and no values', async () => {
    const [left, right] = await twoDatabases(SHOP);
    await right.query(
      `delete from item where id = 7; insert into item (id, name) values (9001, 'secret'); update item set name = 'secret' where id = 12`,
    );
    const comparison = await equalDatabases(left.url, right.url);
    const difference = comparison.tables.map((table) => table.difference).join();
    expect(comparison.equal).toBe(false);
    for (const text of ['(7) is missing', '(9001) is too many', '(12) differs'])
      expect(difference).toContain(text);
    expect(difference).not.toContain('secret');
  });

  it('sees that a row without a key is there twice', async () => {
    const [left, right] = await twoDatabases(SHOP);
    await right.query(`update pair set a = 1, b = 'x'`);
    await left.query(`delete from pair; insert into pair values (1, 'x'), (2, null), (2, null)`);
    const comparison = await equalDatabases(left.url, right.url);
    expect(comparison.tables.map(({ table, equal }) => [table, equal])).toEqual([
      ['public.item', true],
      ['public.pair', false],
    ]);
  });

  it('compares a table without those that inherit from it, and a partitioned one with its partitions', async () => {
    const [left, right] = await twoDatabases(
      'create table town (id int primary key); create table day (id int primary key) partition by range (id); create table day_all partition of day default',
    );
    await left.query('create table capital () inherits (town); insert into capital values (1)');
    await left.query('insert into day values (1)');
    await right.query(
      'drop table day; create table day (id int primary key); insert into day values (1)',
    );
    await right.query('create table capital (id int); insert into capital values (1)');
    expect((await equalDatabases(left.url, right.url)).tables).toMatchObject([
      { table: 'public.capital', equal: true, sourceRows: 1 },
      { table: 'public.day', equal: true, sourceRows: 1 },
      { table: 'public.town', equal: true, sourceRows: 0 },
    ]);
  });

  it('tells null from an empty text', async () => {
    const [left, right] = await twoDatabases(
      `create table t (id int primary key, a text); insert into t values (1, '')`,
    );
    await right.query('update t set a = null');
    expect((await equalDatabases(left.url, right.url)).equal).toBe(false);
  });

  it('says what the destination lacks', async () => {
    const [left, right] = await twoDatabases(`create table t (id int primary key, a text, b text)`);
    await right.query('alter table t drop column b');
    const [table] = (await equalDatabases(left.url, right.url)).tables;
    expect(table?.difference).toBe('public.t: the destination lacks the columns b');
  });
});
