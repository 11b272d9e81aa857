import pg from 'pg';
import { SHOP_ROWS } from './shop-rows.js';
import { SHOP_INDEXES, SHOP_SCHEMA } from './shop-schema.js';
import { SHOP_TRANSACTIONS } from './shop-transactions.js';

/**
 * Makes the shop in an empty database, all or nothing; a shop that is there stays as it is.
 *
 * @returns how many rows were made; 0 when the shop was there.
 */
export async function ensureShop(url: string): Promise<number> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const { rows } = await client.query<{ exists: boolean }>(
      `select to_regclass('public.payments') is not null as exists`,
    );
    if (rows[0]?.exists === true) return 0;
    await client.query(
      `begin; ${SHOP_SCHEMA} ${SHOP_ROWS} ${SHOP_INDEXES} ${SHOP_TRANSACTIONS} commit`,
    );
    await client.query('vacuum analyze');
    const counted = await client.query<{ rows: string }>(
      `select sum(reltuples)::bigint::text as rows from pg_class
       where relkind = 'r' and relnamespace = 'public'::regnamespace`,
    );
    return Number(counted.rows[0]?.rows ?? 0);
  } finally {
    await client.end();
  }
}
