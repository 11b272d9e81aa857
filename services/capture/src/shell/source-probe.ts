import { type ConnectionSettings, connectClient } from '@bunnydb/pg-client';
import { MirrorError } from '@bunnydb/failure';
import { type Lsn, parseLsn } from '@bunnydb/pg-model';

/** What a running server tells. */
export interface SourceProbe {
  readonly tag: 'running';
  readonly currentLsn: Lsn;
  /** How much WAL the server keeps for the slot. */
  readonly retainedBytes: number;
  /** How much may still come before it gives the slot up; null when it has no such limit. */
  readonly roomBytes: number | null;
}

export type ProbeAnswer = SourceProbe | { readonly tag: 'stopping' } | { readonly tag: 'unknown' };

/**
 * Asks the source, on a short connection of its own, how far it is and whether it is about to stop: a server that stops refuses new
 * connections and says so. A connection that stayed open would itself keep a smart shutdown from ending.
 */
export async function probeSource(
  settings: ConnectionSettings,
  slotName: string,
): Promise<ProbeAnswer> {
  try {
    const client = await connectClient(
      { ...settings, connectTimeoutMs: PROBE_TIMEOUT_MS },
      { role: 'source' },
    );
    try {
      const { rows } = await client.query<{
        current: string;
        retained: string | null;
        room: string | null;
      }>(
        `select w.lsn::text as current, pg_catalog.pg_wal_lsn_diff(w.lsn, s.restart_lsn)::text as retained,
                s.safe_wal_size::text as room
         from (select case when pg_catalog.pg_is_in_recovery() then pg_catalog.pg_last_wal_replay_lsn()
                           else pg_catalog.pg_current_wal_flush_lsn() end as lsn) w
         left join pg_catalog.pg_replication_slots s on s.slot_name = $1`,
        [slotName],
      );
      const row = rows[0];
      if (!row) return { tag: 'unknown' };
      return {
        tag: 'running',
        currentLsn: parseLsn(row.current),
        retainedBytes: Math.max(0, Number(row.retained ?? 0)),
        roomBytes: row.room === null ? null : Math.max(0, Number(row.room)),
      };
    } finally {
      await client.end().catch(() => undefined);
    }
  } catch (error) {
    const stopping = error instanceof MirrorError && error.kind === 'server_shutting_down';
    return { tag: stopping ? 'stopping' : 'unknown' };
  }
}

const PROBE_TIMEOUT_MS = 3_000;
