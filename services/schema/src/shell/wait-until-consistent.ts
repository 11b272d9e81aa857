import { setTimeout as sleep } from 'node:timers/promises';
import type { MirrorSpec } from '@bunnydb/contracts';
import { FailureKind, MirrorError } from '@bunnydb/failure';
import type pg from 'pg';

/**
 * Tables that were copied at different times (a copy that was cut off goes on under another snapshot) do not fit together until the stream has passed the
 * latest of them; a foreign key that is checked before might find rows that point to nothing yet.
 *
 * @throws MirrorError `lock_timeout` when the stream does not get there in time: the work is tried again later.
 */
export async function waitUntilConsistent(
  client: pg.Client,
  spec: MirrorSpec,
  signal: AbortSignal,
): Promise<void> {
  const { rows } = await client.query<{ exists: boolean }>(
    `select pg_catalog.to_regclass('_bunny.table_state') is not null as exists`,
  );
  if (rows[0]?.exists !== true) return;
  const deadline = Date.now() + DEADLINE_MS;
  while (!(await isConsistent(client, spec))) {
    if (Date.now() >= deadline) {
      throw new MirrorError(
        FailureKind.LockTimeout,
        'the stream has not passed the copy of all tables yet, so foreign keys cannot be checked',
        { detail: { mirror: spec.name } },
      );
    }
    await sleep(POLL_MS, undefined, { signal });
  }
}

async function isConsistent(client: pg.Client, spec: MirrorSpec): Promise<boolean> {
  const { rows } = await client.query<{ consistent: boolean }>(
    `select pg_catalog.count(distinct t.copy_lsn) <= 1
            or coalesce(max(t.copy_lsn) <= (select p.lsn from _bunny.position p where p.mirror_id = $1), true) as consistent
       from _bunny.table_state t
      where t.mirror_id = $1`,
    [spec.id],
  );
  return rows[0]?.consistent === true;
}

const POLL_MS = 500;
const DEADLINE_MS = 600_000;
