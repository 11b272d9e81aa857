import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';

/**
 * Waits until no transaction of others is left that began before now and holds a snapshot: such a one would not see rows that were written into a table
 * before it came under its name. One that lasts longer than the limit, or that may not be looked at, is not waited for: it most likely reads something
 * else, and a report must not hold up a swap for ever.
 */
export async function waitForOlderSnapshots(client: pg.Client, signal: AbortSignal): Promise<void> {
  const { rows } = await client.query<{ now: string }>(
    `select pg_catalog.clock_timestamp()::text as now`,
  );
  const deadline = Date.now() + DEADLINE_MS;
  while (Date.now() < deadline) {
    const { rows: older } = await client.query(
      `select from pg_catalog.pg_stat_activity
        where datname = pg_catalog.current_database() and pid <> pg_catalog.pg_backend_pid() and backend_type = 'client backend'
          and backend_xmin is not null and xact_start < $1::timestamptz and application_name not like 'bunnydb %'
        limit 1`,
      [rows[0]?.now],
    );
    if (older.length === 0) return;
    await sleep(POLL_MS, undefined, { signal });
  }
}

const POLL_MS = 100;
const DEADLINE_MS = 10_000;
