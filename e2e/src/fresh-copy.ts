import { until } from '@bunnydb/testkit';
import type { Stack } from './stack.js';
import type { DatabasePair } from './database-pair.js';
import type { MirrorFixture } from './mirror-fixture.js';

export type ResyncStrategy = 'truncate' | 'swap';

export interface ResyncWish {
  /** `schema.table`; every table unless given. */
  readonly table?: string;
  readonly strategy: ResyncStrategy;
}

const COPY_DEADLINE_MS = 90_000;

/** Asks for a copy of a table, or of all, as a client that tries again when nobody answers; tells the source's position before. */
export async function askResync(
  stack: Stack,
  pair: DatabasePair,
  mirror: MirrorFixture,
  wish: ResyncWish,
): Promise<string> {
  const { rows } = await pair.source.query<{ lsn: string }>(
    'select pg_current_wal_lsn()::text as lsn',
  );
  const table = wish.table === undefined ? '' : `/${encodeURIComponent(wish.table)}`;
  const path = `/v1/mirrors/${mirror.name}/resync${table}`;
  const answer = await until(
    async () => {
      try {
        const one = await stack.api.call('POST', path, { strategy: wish.strategy });
        return one.status === 503 ? null : one;
      } catch {
        return null;
      }
    },
    { intervalMs: 200, what: 'the gateway to take the wish' },
  );
  if (answer.status !== 200)
    throw new Error(`no resync: ${answer.status} ${JSON.stringify(answer.body)}`);
  return rows[0]?.lsn ?? '0/0';
}

/** Waits until all of the tables (every table unless given) are in the main lane with a copy that is newer than `sinceLsn`. */
export async function waitForFreshCopy(
  pair: DatabasePair,
  mirror: MirrorFixture,
  sinceLsn: string,
  tables?: readonly string[],
): Promise<void> {
  let seen = '';
  await until(
    async () => {
      const { rows } = await pair.observer.query<{ table: string; state: string; fresh: boolean }>(
        `select source_schema || '.' || source_table as table, state, coalesce(copy_lsn >= $2::pg_lsn, false) as fresh
         from _bunny.table_state s join _bunny.position p using (mirror_id)
         where p.mirror_name = $1 and ($3::text[] is null or source_schema || '.' || source_table = any ($3))`,
        [mirror.name, sinceLsn, tables ?? null],
      );
      seen = rows.map((row) => `${row.table} ${row.state} ${String(row.fresh)}`).join(', ');
      return rows.length > 0 && rows.every((row) => row.state === 'running' && row.fresh);
    },
    {
      timeoutMs: COPY_DEADLINE_MS,
      what: () => `tables to be copied again since ${sinceLsn}; they are: ${seen}`,
    },
  );
}

/** Copies a table, or all, again, and waits for it; tells how long it took in milliseconds. */
export async function copyAgain(
  stack: Stack,
  pair: DatabasePair,
  mirror: MirrorFixture,
  wish: ResyncWish,
): Promise<number> {
  const startedAt = performance.now();
  const since = await askResync(stack, pair, mirror, wish);
  await waitForFreshCopy(pair, mirror, since, wish.table === undefined ? undefined : [wish.table]);
  return performance.now() - startedAt;
}
