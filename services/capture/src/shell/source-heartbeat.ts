import { MirrorError } from '@bunnydb/failure';
import { type ConnectionSettings, connectClient, sqlstateOf } from '@bunnydb/pg-client';
import type pg from 'pg';
import { HEARTBEAT_PREFIX } from '../core/pgoutput-decoder.js';

export type BeatAnswer =
  | { readonly tag: 'written' }
  /** It cannot be written here: a standby, no privilege, read-only. */
  | { readonly tag: 'refused'; readonly reason: string }
  | { readonly tag: 'unreachable' };

/** Writes a heartbeat into the source's WAL: an empty logical message, which needs no transaction and no table. */
export async function writeHeartbeat(settings: ConnectionSettings): Promise<BeatAnswer> {
  try {
    const lsn = await askSource(settings, async (client) => {
      const { rows } = await client.query<{ lsn: string | null }>(
        `select case when not pg_catalog.pg_is_in_recovery()
           then pg_catalog.pg_logical_emit_message(false, $1, '')::text end as lsn`,
        [HEARTBEAT_PREFIX],
      );
      return rows[0]?.lsn;
    });
    return lsn ? { tag: 'written' } : { tag: 'refused', reason: 'standby' };
  } catch (error) {
    const reason = refusalOf(error);
    return reason === undefined ? { tag: 'unreachable' } : { tag: 'refused', reason };
  }
}

/**
 * Whether the slot's reader at the server is at work, so that it has not come to the heartbeat yet. One that waits for WAL has sent all that
 * there is; one that waits for the connection, or is gone, sends nothing more. A server that does not want to say counts as at work.
 */
export async function isReaderAtWork(
  settings: ConnectionSettings,
  slotName: string,
): Promise<boolean> {
  try {
    return await askSource(settings, async (client) => {
      const { rows } = await client.query<{ at_work: boolean }>(
        `select a.pid is not null and coalesce(a.wait_event_type, '') not in ('Client', 'Activity') as at_work
         from pg_catalog.pg_replication_slots s left join pg_catalog.pg_stat_activity a on a.pid = s.active_pid
         where s.slot_name = $1`,
        [slotName],
      );
      return rows[0]?.at_work === true;
    });
  } catch (error) {
    return refusalOf(error) !== undefined;
  }
}

async function askSource<Answer>(
  settings: ConnectionSettings,
  question: (client: pg.Client) => Promise<Answer>,
): Promise<Answer> {
  const client = await connectClient(
    { ...settings, connectTimeoutMs: TIMEOUT_MS },
    { role: 'source' },
  );
  const deadline = setTimeout(() => void client.end().catch(() => undefined), TIMEOUT_MS);
  try {
    return await question(client);
  } finally {
    clearTimeout(deadline);
    await client.end().catch(() => undefined);
  }
}

/** The server's own refusal; undefined if it was not reached. */
function refusalOf(error: unknown): string | undefined {
  return sqlstateOf(error instanceof MirrorError ? error.cause : error);
}

const TIMEOUT_MS = 3_000;
