import { afterEach, describe, expect, it } from 'vitest';
import { type TestDatabase, createDatabase, equalDatabases, until } from '@bunnydb/testkit';
import { ensureShop } from '../src/demo/shop-database.js';
import { SHOP_TABLES } from '../src/demo/shop-schema.js';
import { ShopWriters } from '../src/demo/shop-writers.js';

const databases: TestDatabase[] = [];

async function shop(): Promise<TestDatabase> {
  const database = await createDatabase({ prefix: 'shop' });
  databases.push(database);
  await ensureShop(database.url);
  return database;
}

afterEach(async () => {
  for (const database of databases.splice(0)) await database.drop();
});

describe('the shop of the demo', () => {
  it('has about 200,000 rows in five tables, and is made once', async () => {
    const database = await shop();
    const comparison = await equalDatabases(database.url, database.url);
    expect(comparison.tables.map(({ table }) => table.replace('public.', '')).sort()).toEqual(
      [...SHOP_TABLES].sort(),
    );
    expect(comparison.rows).toBeGreaterThan(180_000);
    expect(await ensureShop(database.url)).toBe(0);
  });

  it('is written to at the rate that was asked for, every kind of change in every table, and rests when paused', async () => {
    const database = await shop();
    const writers = new ShopWriters(database.url, 400);
    const started = performance.now();
    writers.start();
    await until(() => writers.committed >= 1_200, {
      timeoutMs: 60_000,
      what: '1,200 transactions',
    });
    const seconds = (performance.now() - started) / 1000;
    // A slow machine may be late, but nobody writes faster than asked; the first second may be caught up in a burst.
    expect(seconds).toBeGreaterThan(1.9);
    await writers.pause();
    const atRest = writers.committed;
    const twice = await equalDatabases(database.url, database.url);
    expect(twice.equal).toBe(true);
    expect(writers.committed).toBe(atRest);
    writers.resume();
    await until(() => writers.committed > atRest, { what: 'the writers to go on' });
    await writers.stop();
    const orphans = await database.query<{ orphans: string }>(
      `select count(*) as orphans from orders o where status <> 'cancelled'
       and total <> (select coalesce(sum(amount), 0) from order_lines where order_id = o.id)`,
    );
    expect(orphans).toEqual([{ orphans: '0' }]);
  });
});
