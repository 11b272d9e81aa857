import { afterEach, describe, expect, it } from 'vitest';
import { type TestDatabase, compareRepeatedly, createDatabase } from '../src/index.js';

const databases: TestDatabase[] = [];
const pair = (table: string) => ({
  source: { schema: 'public', table },
  destination: { schema: 'public', table },
});
const TABLE = `create table item (id int primary key, n int);
  insert into item select i, 0 from generate_series(1, 2000) i`;

async function twoDatabases(): Promise<[TestDatabase, TestDatabase]> {
  const made: [TestDatabase, TestDatabase] = [await createDatabase(), await createDatabase()];
  databases.push(...made);
  for (const database of made) await database.query(TABLE);
  return made;
}

afterEach(async () => {
  for (const database of databases.splice(0)) await database.drop();
});

describe('comparing while the source is written to', () => {
  it('follows rows that are written until each was seen equal', async () => {
    const [left, right] = await twoDatabases();
    let round = 0;
    const followers: Promise<unknown>[] = [];
    // Between the two readings the destination catches up and, each time, another row is a moment younger there.
    const catchUp = async (): Promise<void> => {
      round += 1;
      await right.query('update item set n = (select max(n) + 1 from item) where id = $1', [round]);
      const [row] = await right.query<{ n: number }>('select n from item where id = $1', [round]);
      followers.push(left.query('update item set n = $1 where id = $2', [row?.n, round]));
    };
    const comparison = await compareRepeatedly(left.url, right.url, [pair('item')], {
      tries: 20,
      catchUp,
    });
    await Promise.all(followers);
    expect(comparison).toMatchObject({ equal: true, rows: 2000 });
    expect(comparison.rowsSettled).toBeGreaterThan(0);
  });

  it('reports a row that stays lost however often it is read', async () => {
    const [left, right] = await twoDatabases();
    await right.query('delete from item where id = 17');
    const comparison = await compareRepeatedly(left.url, right.url, [pair('item')], {
      tries: 3,
      catchUp: () => Promise.resolve(),
    });
    expect(comparison.equal).toBe(false);
    expect(comparison.tables[0]?.difference).toContain('(17) is missing');
  });
});
