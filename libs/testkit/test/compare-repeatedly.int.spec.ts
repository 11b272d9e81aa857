import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type RepeatedComparison,
  type TestDatabase,
  compareRepeatedly,
  createDatabase,
  samePair,
} from '../src/index.js';
import { FollowedLoad } from './followed-load.js';

const SCHEMA = `
  create table item (id int primary key, n int not null, note text);
  insert into item select i, 0, 'note ' || i from generate_series(1, 3000) i;
  create table place (town text collate "C", number int, n int, primary key (town, number));
  insert into place select 'town ' || i, i, 0 from generate_series(1, 100) i;
  create table history (who int, delta int);
  insert into history select i % 10, i from generate_series(1, 1000) i;
  create table gauge (name text, n int, note text); insert into gauge values ('hot', 0), ('cold', 0)`;

/** One row of each table changes all the time, and the history grows. */
const statement = (turn: number): string => `
  update item set n = ${turn} where id = 1; update place set n = ${turn} where town = 'town 1';
  update gauge set n = ${turn} where name = 'hot';
  insert into history select ${turn % 10}, ${turn} where ${turn} % 10 = 0`;

describe('comparing while the source is written to', () => {
  let left: TestDatabase;
  let right: TestDatabase;
  let load: FollowedLoad;

  beforeAll(async () => {
    [left, right] = [await createDatabase(), await createDatabase()];
    for (const database of [left, right]) await database.query(SCHEMA);
    load = new FollowedLoad(left, right, statement);
  });
  afterAll(async () => {
    await load.stop();
    await Promise.all([left.drop(), right.drop()]);
  });

  function compare(...tables: readonly string[]): Promise<RepeatedComparison> {
    const pairs = tables.map((table) => samePair('public', table));
    const options = { catchUp: load.catchUp, rounds: 6, roundMs: 100 };
    return compareRepeatedly(left.url, right.url, pairs, options);
  }

  it('gives no alarm for rows that change all the time, with a key or without', async () => {
    const comparison = await compare('item', 'place', 'history', 'gauge');
    expect(comparison.tables.map(({ difference }) => difference)).toEqual(['', '', '', '']);
    expect(comparison.verdict).toBe('equal');
    expect(comparison.rowsSettled).toBeGreaterThan(0);
    expect(comparison.rows).toBeGreaterThan(4_000);
  });

  it.each([
    [
      'a quiet row of a hot table',
      'item',
      'update item set n = 7 where id = 17',
      'update item set n = 0 where id = 17',
      'key (id): (17) differs',
    ],
    [
      'a lost row and one too many',
      'item',
      'update item set id = 9001 where id = 18',
      'update item set id = 18 where id = 9001',
      'key (id): (18) is missing, (9001) is too many',
    ],
    [
      'a quiet column of a row that changes all the time',
      'item',
      `update item set note = 'x' where id = 1`,
      `update item set note = 'note 1' where id = 1`,
      'key (id): (1) differs',
    ],
    [
      'the loss of a row that changes all the time',
      'item',
      'delete from item where id = 1',
      `insert into item values (1, 0, 'note 1')`,
      'key (id): (1) is missing',
    ],
    [
      'a row by a key of two columns',
      'place',
      'update place set n = 7 where number = 5',
      'update place set n = 0 where number = 5',
      'key (town, number): (town 5, 5) differs',
    ],
    [
      'the loss of a row without a key',
      'history',
      'delete from history where ctid in (select ctid from history where delta = 999 limit 1)',
      'insert into history values (9, 999)',
      'no key tells apart: 1 ',
    ],
    [
      'a row without a key that is there twice',
      'history',
      'insert into history values (7, 5000000)',
      'delete from history where delta = 5000000',
      'no key tells apart: 1 too many',
    ],
    [
      'the loss of a row without a key that changes all the time',
      'gauge',
      `delete from gauge where name = 'hot'`,
      `insert into gauge values ('hot', 0)`,
      'rows that change all the time are lost',
    ],
    [
      'a quiet column of such a row',
      'gauge',
      `update gauge set note = 'x' where name = 'hot'`,
      'update gauge set note = null',
      'rows that change all the time are lost, too many or different',
    ],
  ])('finds %s', async (_what, table, damage, mend, words) => {
    await right.query(damage);
    const comparison = await compare(table);
    await right.query(mend);
    expect(comparison.tables[0]?.difference).toContain(words);
    expect(comparison.verdict).toBe('different');
  });

  it('calls a row undecided that moves on both sides and is never seen equal', async () => {
    await load.stop();
    let turn = 0;
    const move = async (): Promise<void> => {
      turn += 2;
      await left.query(`update item set n = ${turn} where id = 2`);
      await right.query(`update item set n = ${turn + 1} where id = 2`);
    };
    await move();
    const options = { catchUp: move, rounds: 4, roundMs: 0 };
    const tables = [samePair('public', 'item')];
    const comparison = await compareRepeatedly(left.url, right.url, tables, options);
    expect(comparison).toMatchObject({ verdict: 'undecided', rowsInMotion: 1 });
  });

  it('does not wait for a destination that has all of what rests', async () => {
    let waits = 0;
    await left.query('update place set n = 5 where number = 9');
    const catchUp = async (): Promise<void> => {
      waits += 1;
      await right.query('update place set n = 6 where number = 9');
    };
    const compared = (table: string) =>
      compareRepeatedly(left.url, right.url, [samePair('public', table)], { catchUp, roundMs: 0 });
    expect(await compared('gauge')).toMatchObject({ verdict: 'equal' });
    expect(waits).toBe(0);
    expect(await compared('place')).toMatchObject({ verdict: 'different' });
    expect(waits).toBe(1);
  });
});
