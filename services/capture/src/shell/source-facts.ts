import type { MirrorSpec } from '@bunnydb/contracts';
import { MirrorError } from '@bunnydb/failure';
import type { ReplicationConnection } from '@bunnydb/pg-client';
import { parseLsn, quoteLiteral } from '@bunnydb/pg-model';
import type { SlotFacts, SourceFacts } from '../core/start-position.js';

/** Reads, on the connection that will stream, all that decides where the stream may start. */
export async function readSourceFacts(
  connection: ReplicationConnection,
  spec: MirrorSpec,
): Promise<SourceFacts> {
  const [system] = await connection.query<{ systemid: string; xlogpos: string; dbname: string }>(
    'IDENTIFY_SYSTEM',
  );
  const [server] = await connection.query<{ has_publication: boolean; timeout_ms: string }>(
    `select exists (select from pg_catalog.pg_publication where pubname = ${quoteLiteral(spec.publication_name)}) as has_publication,
       (select setting from pg_catalog.pg_settings where name = 'wal_sender_timeout') as timeout_ms`,
  );
  if (!system || !server) throw new MirrorError('protocol_violation', 'the source did not answer');
  return {
    systemId: system.systemid,
    database: system.dbname,
    currentLsn: parseLsn(system.xlogpos),
    slot: await readSlotFacts(connection, spec.slot_name),
    hasPublication: server.has_publication,
    walSenderTimeoutMs: Number(server.timeout_ms),
  };
}

export async function readSlotFacts(
  connection: Pick<ReplicationConnection, 'query'>,
  slotName: string,
): Promise<SlotFacts | undefined> {
  const [slot] = await connection.query<{
    plugin: string;
    database: string;
    active_pid: number | null;
    active_name: string | null;
    wal_status: string | null;
    confirmed_flush_lsn: string | null;
  }>(
    `select s.plugin, s.database, s.active_pid, a.application_name as active_name, s.wal_status, s.confirmed_flush_lsn::text
     from pg_catalog.pg_replication_slots s
     left join pg_catalog.pg_stat_activity a on a.pid = s.active_pid
     where s.slot_name = ${quoteLiteral(slotName)} and s.slot_type = 'logical'`,
  );
  if (!slot) return undefined;
  return {
    plugin: slot.plugin,
    database: slot.database,
    activePid: slot.active_pid,
    activeName: slot.active_name,
    walStatus: slot.wal_status,
    confirmedLsn: slot.confirmed_flush_lsn === null ? null : parseLsn(slot.confirmed_flush_lsn),
  };
}
