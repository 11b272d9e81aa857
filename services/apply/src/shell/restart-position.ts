import type { MirrorSpec, RestartPosition, SourceIdentity } from '@bunnydb/contracts';
import { MirrorError } from '@bunnydb/failure';
import { type ConnectionSettings, connectClient, toMirrorError } from '@bunnydb/pg-client';
import { formatNote, noteOfResync } from '../core/lane-note.js';
import { isSameSource } from '../core/source-lineage.js';
import { type SqlClient, ensureBookkeeping } from './bookkeeping.js';
import { endOlderSessions } from './position-row.js';

export interface RestartedPosition {
  readonly start_lsn: string;
  /** How many tables wait to be copied again. */
  readonly tables: number;
}

/**
 * Lets the destination start again from a slot that was made anew, all in one transaction: the position stands where the slot starts, what is parked goes
 * (every copy will hold it), and all tables are outside the main lane, to be copied again by their lanes. No row of a table is touched: by `swap`,
 * readers keep the old ones until the new ones are complete. A table that the mirror has not filled yet stays to be copied for the first time.
 *
 * The position row remembers the rebuild, so a command that is delivered again changes nothing, even when the mirror streams already.
 */
export async function restartPosition(
  settings: ConnectionSettings,
  command: RestartPosition,
): Promise<RestartedPosition> {
  try {
    const client = await connectClient(settings, {
      role: 'destination',
      lockTimeoutMs: LOCK_TIMEOUT_MS,
    });
    try {
      await ensureBookkeeping(client);
      const { spec, rebuild } = command.body;
      const answer = { start_lsn: startOf(spec).start_lsn, tables: spec.tables.length };
      // Whoever streams from there already is not to be disturbed.
      if (await hasStarted(client, spec.id, rebuild)) return answer;
      // A session that was cut off may still hold the position's lock.
      await endOlderSessions(client, spec.id);
      await restart(client, command);
      return answer;
    } finally {
      await client.end().catch(() => undefined);
    }
  } catch (error) {
    throw toMirrorError(error, { role: 'destination', step: 'start from the new slot' });
  }
}

function startOf({ source_identity: identity }: MirrorSpec): SourceIdentity {
  if (!identity) throw new MirrorError('unexpected', 'the mirror has no source identity yet');
  return identity;
}

async function hasStarted(client: SqlClient, mirrorId: string, rebuild: number): Promise<boolean> {
  const { rows } = await client.query(
    'select from _bunny.position where mirror_id = $1 and rebuild >= $2',
    [mirrorId, rebuild],
  );
  return rows.length > 0;
}

async function restart(client: SqlClient, command: RestartPosition): Promise<void> {
  const { spec, rebuild, former_identity: former } = command.body;
  const identity = startOf(spec);
  await client.query('begin');
  const { rowCount } = await client.query(RESTART, [
    spec.id,
    spec.name,
    identity.start_lsn,
    identity.system_id,
    rebuild,
  ]);
  if (rowCount === 0) {
    // Another delivery of the command was faster.
    await client.query('rollback');
    return;
  }
  await client.query('delete from _bunny.parked_change where mirror_id = $1', [spec.id]);
  if (former === null || !isSameSource(former, identity)) await forgetSource(client, spec.id);
  await forgetSourceTables(client, spec.id);
  await resyncTables(client, command);
  await client.query('commit');
}

/** Numbers of columns, shapes and names of another source say nothing about this one's. */
async function forgetSource(client: SqlClient, mirrorId: string): Promise<void> {
  await client.query('delete from _bunny.column_name where mirror_id = $1', [mirrorId]);
  await client.query(FORGET_SHAPES, [mirrorId]);
}

/**
 * The schema service notes which tables it has seen, and which are to be copied again since they were remade or not published: now all are. A copy that
 * is still due from before would empty a table that was just swapped.
 */
async function forgetSourceTables(client: SqlClient, mirrorId: string): Promise<void> {
  // It may not have begun to.
  const { rows } = await client.query(
    `select to_regclass('_bunny.source_table') is not null as found`,
  );
  if (rows[0]?.['found'] === true)
    await client.query('delete from _bunny.source_table where mirror_id = $1', [mirrorId]);
}

async function resyncTables(client: SqlClient, command: RestartPosition): Promise<void> {
  const { spec, strategy } = command.body;
  const note = noteOfResync({
    id: command.command_id,
    strategy,
    together: true,
    step: 'copy',
  });
  const tables = spec.tables.map(({ source, destination }) => ({
    source_schema: source.schema,
    source_table: source.table,
    destination_schema: destination.schema,
    destination_table: destination.table,
  }));
  await client.query(RESYNC_TABLES, [
    spec.id,
    JSON.stringify(tables),
    formatNote(note),
    // Without a first copy the rows that are there are the mirror's to copy again.
    spec.options.do_initial_snapshot ? 'pending' : 'resyncing',
  ]);
}

/** The row's lock is what lanes hold until they have committed, so none of an older session commits after this. */
const RESTART = `
  insert into _bunny.position as p (mirror_id, mirror_name, epoch, lsn, stream_seq, source_system_id, rebuild)
  values ($1, $2, 1, $3::pg_lsn, 0, $4, $5)
  on conflict (mirror_id) do update
     set mirror_name = excluded.mirror_name, epoch = p.epoch + 1, lsn = excluded.lsn, stream_seq = 0, commit_time = null,
         source_system_id = excluded.source_system_id, rebuild = excluded.rebuild, updated_at = now()
   where p.rebuild < excluded.rebuild`;

const FORGET_SHAPES = `
  update _bunny.table_state set relation = null, renamed_schema = null, renamed_table = null where mirror_id = $1`;

/** The state of a table whose first copy is not done, also where it waits in error or is held; null of any other. */
const FIRST_COPY = `
  case when s.state in ('pending', 'copying') then s.state
       when s.state not in ('held', 'error') then null
       when s.wish ->> 'goes_on_as' in ('pending', 'copying') then s.wish ->> 'goes_on_as'
       when s.wish ->> 'goes_on_as' is null and s.wish ->> 'resync' is null and s.copy_lsn is null then 'pending' end`;

/** A table whose first copy is not done stays at that: it is not to be emptied of rows that are not the mirror's. */
const RESYNC_TABLES = `
  insert into _bunny.table_state as s
         (mirror_id, source_schema, source_table, destination_schema, destination_table, state, wish)
  select $1, t.source_schema, t.source_table, t.destination_schema, t.destination_table, $4::text,
         case when $4::text = 'resyncing' then $3::json end
    from json_to_recordset($2) as t (source_schema text, source_table text, destination_schema text, destination_table text)
  on conflict (mirror_id, source_schema, source_table) do update
     set state = coalesce(${FIRST_COPY}, 'resyncing'), wish = case when (${FIRST_COPY}) is null then $3::json end,
         copy_lsn = null, reason = null, attempts = 0, next_retry_at = null, skipped_lsns = '{}', updated_at = now()`;

const LOCK_TIMEOUT_MS = 30_000;
