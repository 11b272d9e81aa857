import type { TableStats, TableStatus } from '@bunnydb/contracts';
import { describeFailure } from '@bunnydb/failure';
import { DEFAULT_MIRROR_CONFIG, type MirrorConfig } from '../mirror/mirror-config.js';
import { COPY_STATUSES } from '../mirror/evolve-outside.js';
import type { MirrorState } from '../mirror/mirror-state.js';
import {
  type MirrorStatus,
  currentFailure,
  mirrorPhase,
  mirrorStatus,
} from '../mirror/mirror-status.js';
import { type MirrorStats, type Rates, lagBytesOf } from './mirror-metrics.js';
import type { Unattended } from './unattended.js';

/** What the catalog holds about a mirror. */
export interface KnownMirror {
  readonly mirror_id: string;
  readonly name: string;
  readonly source_peer: string;
  readonly destination_peer: string;
  readonly state: MirrorState;
  readonly config: MirrorConfig;
  readonly error_count: number;
  readonly pending_schema_changes: number;
  readonly created_at: Date;
  readonly updated_at: Date;
}

export interface KnownTable {
  readonly source_table: string;
  readonly destination_table: string;
  readonly status: TableStatus;
  readonly rows_copied: bigint;
  readonly error_message: string | null;
  readonly next_retry_at: Date | null;
}

/** What is known of a mirror's work at this moment. */
export interface LiveMirror {
  readonly stats: MirrorStats;
  readonly rates: Rates;
  /** Whether a worker still holds the mirror. */
  readonly held: boolean;
  readonly unattended: Unattended | null;
}

export interface SnapshotProgress {
  readonly tables_done: number;
  readonly tables_total: number;
  readonly rows_done: number;
  readonly rows_total: number;
  readonly bytes_done: number;
  readonly bytes_total: number;
  readonly eta_seconds: number | null;
}

export interface MirrorObject {
  readonly id: string;
  readonly name: string;
  readonly source_peer: string;
  readonly destination_peer: string;
  readonly status: MirrorStatus;
  readonly phase: string;
  readonly slot_name: string | null;
  readonly publication_name: string | null;
  readonly last_lsn: string | null;
  readonly source_lsn: string | null;
  readonly lag_bytes: number | null;
  readonly lag_seconds: number | null;
  readonly last_sync_batch_id: string | null;
  readonly rows_per_second: number;
  readonly error_message: string | null;
  readonly error_hint: string | null;
  readonly error_count: number;
  readonly next_retry_at: string | null;
  readonly pending_schema_changes: number;
  /** Tables that are held or in error. */
  readonly tables_waiting: number;
  readonly snapshot: SnapshotProgress;
  readonly config: MirrorConfig;
  readonly created_at: string;
  readonly updated_at: string;
}

/** The mirror object of the /v1 contract, without its tables. */
export function mirrorObject(
  known: KnownMirror,
  tables: readonly KnownTable[],
  live: LiveMirror,
): MirrorObject {
  const { state } = known;
  const { capture, apply } = live.stats;
  const failure = currentFailure(state);
  const facts = state.tag === 'absent' ? null : state.mirror;
  return {
    id: known.mirror_id,
    name: known.name,
    source_peer: known.source_peer,
    destination_peer: known.destination_peer,
    status: shownStatus(state, live),
    phase: phasesOf(state, tables, live).join('; '),
    slot_name: facts?.slotName ?? null,
    publication_name: facts?.publicationName ?? null,
    last_lsn: apply?.applied_lsn ?? facts?.identity?.start_lsn ?? null,
    source_lsn: capture?.source_lsn ?? null,
    lag_bytes: lagBytesOf(live.stats),
    lag_seconds: apply?.lag_seconds ?? null,
    last_sync_batch_id: apply?.last_batch_id ?? null,
    rows_per_second: live.rates.rowsPerSecond,
    error_message: failure ? describeFailure(failure.failure) : (live.unattended?.message ?? null),
    error_hint: failure?.failure.hint ?? live.unattended?.hint ?? null,
    error_count: known.error_count,
    next_retry_at: failure?.nextRetryAt ?? null,
    pending_schema_changes: known.pending_schema_changes,
    tables_waiting: tables.filter(({ status }) => status === 'held' || status === 'error').length,
    snapshot: snapshotOf(tables, live),
    // In the order of the contract; the catalog keeps none.
    config: { ...DEFAULT_MIRROR_CONFIG, ...known.config },
    created_at: known.created_at.toISOString(),
    updated_at: known.updated_at.toISOString(),
  };
}

function phasesOf(
  state: MirrorState,
  tables: readonly KnownTable[],
  { unattended }: LiveMirror,
): readonly string[] {
  if (unattended !== null) return [`waiting: ${unattended.message}`];
  return [mirrorPhase(state), ...tablePhases(state, tables)];
}

/** Tables that others do not wait for, but people should know of. */
function tablePhases(state: MirrorState, tables: readonly KnownTable[]): readonly string[] {
  if (state.tag !== 'streaming') return [];
  return (
    [
      ['held', 'held'],
      ['error', 'in error'],
    ] as const
  ).flatMap(([status, words]) => {
    const count = tables.filter((table) => table.status === status).length;
    return count === 0 ? [] : [`${count} ${count === 1 ? 'table' : 'tables'} ${words}`];
  });
}

/** A paused mirror is `pausing` until the last worker has let go of it. */
function shownStatus(state: MirrorState, live: LiveMirror): MirrorStatus {
  const status = mirrorStatus(state);
  return status === 'paused' && live.held ? 'pausing' : status;
}

/** How far the copy is, over all tables. */
export function snapshotOf(tables: readonly KnownTable[], live: LiveMirror): SnapshotProgress {
  const told = new Map(live.stats.apply?.tables.map((table) => [table.table, table]));
  let [tablesDone, rowsDone, rowsTotal, bytesDone, bytesTotal] = [0, 0, 0, 0, 0];
  for (const table of tables) {
    const stats = told.get(table.source_table);
    const status = tableStatus(table, stats);
    const done = !COPY_STATUSES.includes(status);
    // A table that shall be copied again: what is told is still of the last copy.
    const isBegun = done || stats?.status !== 'running';
    const copy = isBegun ? stats?.copy : undefined;
    const known = Number(table.rows_copied);
    const rows = copy?.rows_done ?? (isBegun ? known : 0);
    if (done) tablesDone += 1;
    rowsDone += rows;
    // An estimate of a table that is done is beside the point.
    rowsTotal += done ? rows : Math.max(copy?.rows_estimated ?? (isBegun ? 0 : known), rows);
    bytesDone += copy?.bytes_done ?? 0;
    bytesTotal += done
      ? (copy?.bytes_done ?? 0)
      : Math.max(copy?.bytes_estimated ?? 0, copy?.bytes_done ?? 0);
  }
  const perSecond = live.rates.copiedBytesPerSecond;
  const left = bytesTotal - bytesDone;
  return {
    tables_done: tablesDone,
    tables_total: tables.length,
    rows_done: rowsDone,
    rows_total: rowsTotal,
    bytes_done: bytesDone,
    bytes_total: bytesTotal,
    eta_seconds:
      tablesDone === tables.length ? 0 : perSecond > 0 ? Math.ceil(left / perSecond) : null,
  };
}

/** A table of a mirror, as the /v1 contract shows it. */
export function tableObject(
  known: KnownTable,
  told: TableStats | undefined,
  { tableBytesPerSecond }: Pick<Rates, 'tableBytesPerSecond'>,
) {
  const copied = told?.copy?.rows_done ?? Number(known.rows_copied);
  const inserted = told?.rows_inserted ?? 0;
  const updated = told?.rows_updated ?? 0;
  const deleted = told?.rows_deleted ?? 0;
  const status = tableStatus(known, told);
  const perSecond = tableBytesPerSecond.get(known.source_table) ?? 0;
  return {
    table_name: known.source_table,
    destination_table: known.destination_table,
    status,
    rows_synced: copied + inserted + updated + deleted,
    rows_inserted: inserted,
    rows_updated: updated,
    rows_deleted: deleted,
    copy: told?.copy
      ? { ...told.copy, eta_seconds: secondsLeft(status, told.copy, perSecond) }
      : null,
    last_synced_at: told?.last_synced_at ?? null,
    error_message: known.error_message,
    next_retry_at: known.next_retry_at?.toISOString() ?? null,
  };
}

/** How long a copy still takes at the pace of the last seconds; null where that is unknown, or nothing is copied. */
function secondsLeft(
  status: TableStatus,
  copy: NonNullable<TableStats['copy']>,
  bytesPerSecond: number,
): number | null {
  if (!COPY_STATUSES.includes(status) || bytesPerSecond <= 0) return null;
  return Math.ceil(Math.max(0, copy.bytes_estimated - copy.bytes_done) / bytesPerSecond);
}

/**
 * Events are recorded and in order, statistics are fresher but may be of a session that is gone: they count only while the
 * table is on its way, and not what they told before it was copied again.
 */
function tableStatus(known: KnownTable, told: TableStats | undefined): TableStatus {
  switch (known.status) {
    case 'pending':
    case 'copying':
      return told?.status ?? known.status;
    case 'resyncing':
      return told && FRESH_STATUSES.includes(told.status) ? told.status : known.status;
    default:
      return known.status;
  }
}

const FRESH_STATUSES: readonly TableStatus[] = ['copying', 'catching_up'];
