import type { MirrorSpec } from '@bunnydb/contracts';
import { MirrorError } from '@bunnydb/failure';
import { type Lsn, formatLsn, parseLsn } from '@bunnydb/pg-model';
import { applicationName, copyApplicationName } from './application-name.js';
import type { SqlClient } from './bookkeeping.js';

/** A mirror's position at the destination, and the epoch that lets this session move it. */
export interface PositionRow {
  readonly epoch: string;
  /** Every transaction that ends at or before it is applied. */
  readonly lsn: Lsn;
  /** Stream sequence of the commit message that moved it there; a hint. */
  readonly streamSeq: number;
  readonly commitTime: string | null;
}

/**
 * Takes the position over: raises its epoch, so that no older session can move it any more, and ends such sessions, which may hold locks.
 * If an older session is just committing, this waits for it and reads what it left.
 *
 * @throws MirrorError `foreign_server` when the row was written for another source.
 */
export async function takePosition(client: SqlClient, spec: MirrorSpec): Promise<PositionRow> {
  const identity = spec.source_identity;
  if (!identity) throw new MirrorError('unexpected', 'the mirror has no source identity yet');
  await client.query(
    `insert into _bunny.position (mirror_id, mirror_name, epoch, lsn, stream_seq, source_system_id)
     values ($1, $2, 0, $3::pg_lsn, 0, $4) on conflict (mirror_id) do nothing`,
    [spec.id, spec.name, identity.start_lsn, identity.system_id],
  );
  await endOlderSessions(client, spec.id);
  // Its key's lock is what lanes hold until they have committed (`HOLD_EPOCH`); an UPDATE alone would not wait for them.
  const { rows } = await client.query(
    `with taken as (select from _bunny.position where mirror_id = $1 for update)
     update _bunny.position set epoch = epoch + 1, mirror_name = $2, updated_at = now()
      where mirror_id = $1 and source_system_id = $3 and exists (select from taken)
     returning epoch::text as epoch, lsn::text as lsn, stream_seq::int8::text as stream_seq, commit_time::text as commit_time`,
    [spec.id, spec.name, identity.system_id],
  );
  const [row] = rows;
  if (!row) {
    throw new MirrorError(
      'foreign_server',
      "the destination's position was written for another source server",
      { detail: { system_id: identity.system_id } },
    );
  }
  return {
    epoch: String(row['epoch']),
    lsn: parseLsn(String(row['lsn'])),
    streamSeq: Number(row['stream_seq']),
    commitTime: typeof row['commit_time'] === 'string' ? row['commit_time'] : null,
  };
}

/**
 * Ends the mirror's other sessions at the destination, those that copy too: a worker that was cut off must not write into a table that is
 * copied anew.
 */
export async function endOlderSessions(client: SqlClient, mirrorId: string): Promise<void> {
  await endSessionsNamed(client, [applicationName(mirrorId), copyApplicationName(mirrorId)]);
}

/** Ends all sessions of these names but this one. One's own role's need no privilege; another role's are not ours to end. */
export async function endSessionsNamed(
  client: SqlClient,
  applicationNames: readonly string[],
): Promise<void> {
  await client.query(
    `select pg_terminate_backend(a.pid) from pg_stat_activity a
      where a.application_name = any ($1) and a.usename = current_user and a.datname = current_database()
        and a.pid <> pg_backend_pid()`,
    [applicationNames],
  );
}

/**
 * Moves the position from one LSN to the next. Fails with division by zero when the epoch is not ours any more, or when the transaction
 * before, which was still in flight, has failed: either way nothing of this transaction may stay.
 */
export const ADVANCE_POSITION = `
  with moved as (
    update _bunny.position
       set lsn = $4::pg_lsn, stream_seq = $5::int8,
           commit_time = coalesce($6::timestamptz, commit_time), updated_at = clock_timestamp()
     where mirror_id = $1::text and epoch = $2::int8 and lsn = $3::pg_lsn
    returning 1)
  select 1 / count(*) from moved`;

/**
 * The last statement of a lane's transaction, before COMMIT: fails with division by zero when another session has taken the mirror over. Parameters:
 * mirror id and epoch. Holding only the key's lock, it never waits for the main lane's position, nor that for it, but a session
 * that takes the position over waits until the lane has committed.
 */
export const HOLD_EPOCH = `
  with held as (select from _bunny.position where mirror_id = $1::text and epoch = $2::int8 for key share)
  select 1 / count(*) from held`;

/** Adds to the tables' counters; the parameter is a JSON array. */
export const ADD_COUNTS = `
  update _bunny.table_state as s
     set rows_inserted = s.rows_inserted + c.inserted, rows_updated = s.rows_updated + c.updated,
         rows_deleted = s.rows_deleted + c.deleted, last_synced_at = now(), updated_at = now()
    from json_to_recordset($2::json) as c
         (schema text, "table" text, inserted int8, updated int8, deleted int8)
   where s.mirror_id = $1::text and s.source_schema = c.schema and s.source_table = c.table`;

/** The LSN as PostgreSQL's parameters want it. */
export function lsnParameter(lsn: Lsn): Buffer {
  return Buffer.from(formatLsn(lsn));
}
