import { type TableStatus } from '@bunnydb/contracts';
import { type FailureReport, describeFailure } from '@bunnydb/failure';
import type { MirrorStatus } from '../mirror/mirror-status.js';
import { type MirrorStats, lagBytesOf } from '../view/mirror-metrics.js';
import type { Alert } from './alert.js';

/** When something is worth an alert. */
export interface AlertLimits {
  /** What a slot may hold back where the source sets no limit of its own. */
  readonly walBytesMax: number;
  /** A slot that would be full within this time. */
  readonly forecastSeconds: number;
  readonly noProgressSeconds: number;
}

/** What is known of a mirror at this moment. */
export interface MirrorWatch {
  readonly status: MirrorStatus;
  readonly failure: { readonly failure: FailureReport; readonly nextRetryAt: string | null } | null;
  readonly stats: MirrorStats;
  /** Tables that are held or in error. */
  readonly troubledTables: readonly {
    readonly table: string;
    readonly status: TableStatus;
    readonly error: string | null;
  }[];
  /** Since when neither the position nor a copy has moved. */
  readonly stillSinceMs: number;
  /** When a worker told anything; at the latest when this process began to listen. */
  readonly heardAtMs: number;
}

/** All that needs somebody now. */
export function mirrorAlerts(watch: MirrorWatch, limits: AlertLimits, nowMs: number): Alert[] {
  if (watch.status === 'terminating' || watch.status === 'stopped') return [];
  return [
    ...mirrorError(watch),
    ...tablesHeld(watch),
    ...slotGrowth(watch, limits),
    ...noProgress(watch, limits, nowMs),
  ];
}

function mirrorError({ status, failure }: MirrorWatch): Alert[] {
  if (status !== 'error' || failure === null) return [];
  const { kind, hint } = failure.failure;
  return [
    {
      condition: 'mirror_error',
      subject: '',
      // It does not go on by itself.
      severity: failure.nextRetryAt === null ? 'critical' : 'warning',
      summary: `the mirror is in error: ${describeFailure(failure.failure)}`,
      details: { kind, hint, next_retry_at: failure.nextRetryAt },
    },
  ];
}

function tablesHeld({ troubledTables }: MirrorWatch): Alert[] {
  const told = troubledTables.slice(0, TABLES_MAX).map(({ table, status, error }): Alert => ({
    condition: 'table_held',
    subject: table,
    severity: 'warning',
    summary: status === 'held' ? `table ${table} is held` : `table ${table} is in error`,
    details: { table, status, error },
  }));
  const more = troubledTables.length - told.length;
  if (more <= 0) return told;
  return [
    ...told,
    {
      condition: 'table_held',
      subject: OTHER_TABLES,
      severity: 'warning',
      summary: 'more tables are held or in error than are told one by one',
      details: { told_one_by_one: TABLES_MAX },
    },
  ];
}

function slotGrowth({ stats: { capture } }: MirrorWatch, limits: AlertLimits): Alert[] {
  if (capture === null || capture.retained_wal_bytes < RETAINED_BYTES_MIN) return [];
  const retained = capture.retained_wal_bytes;
  const room = Math.max(0, capture.wal_room_bytes ?? limits.walBytesMax - retained);
  const growth = capture.retained_wal_growth_bytes_per_second ?? 0;
  const fullInSeconds = room === 0 ? 0 : growth <= 0 ? Infinity : Math.round(room / growth);
  if (fullInSeconds > limits.forecastSeconds) return [];
  const what =
    (capture.wal_room_bytes ?? null) === null
      ? 'reaches the limit for alerts'
      : 'is given up by the source';
  const when = fullInSeconds === 0 ? 'now' : `in about ${inWords(fullInSeconds)}`;
  return [
    {
      condition: 'slot_growth',
      subject: '',
      severity: fullInSeconds <= CRITICAL_SECONDS ? 'critical' : 'warning',
      summary: `the slot holds ${gibibytes(retained)} of WAL back and ${what} ${when}`,
      details: {
        retained_wal_bytes: retained,
        growth_bytes_per_second: growth,
        room_bytes: room,
        full_in_seconds: fullInSeconds,
      },
    },
  ];
}

function noProgress(watch: MirrorWatch, limits: AlertLimits, nowMs: number): Alert[] {
  if (!MOVING.has(watch.status)) return [];
  const limitMs = limits.noProgressSeconds * 1_000;
  const { heardAtMs, stats } = watch;
  const base = { condition: 'no_progress', subject: '', severity: 'critical' } as const;
  if (nowMs - heardAtMs > limitMs) {
    const seconds = Math.round((nowMs - heardAtMs) / 1_000);
    const summary = `no worker has told anything of the mirror for ${inWords(seconds)}`;
    return [{ ...base, summary, details: { silent_seconds: seconds } }];
  }
  const lagBytes = lagBytesOf(stats);
  const isBehind = watch.status === 'snapshotting' || (lagBytes !== null && lagBytes > 0);
  if (!isBehind || nowMs - watch.stillSinceMs <= limitMs) return [];
  const seconds = Math.round((nowMs - watch.stillSinceMs) / 1_000);
  return [
    {
      ...base,
      summary: `the mirror has not moved for ${inWords(seconds)} although there is more to do`,
      details: { still_seconds: seconds, lag_bytes: lagBytes },
    },
  ];
}

/** What moves when a mirror gets on: its position, and the rows of its copies. */
export function progressMark({ apply }: MirrorStats): string {
  if (apply === null) return '';
  const copied = apply.tables.reduce((sum, { copy }) => sum + (copy?.bytes_done ?? 0), 0);
  return `${apply.applied_lsn} ${copied}`;
}

function inWords(seconds: number): string {
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 7_200) return `${Math.round(seconds / 60)} min`;
  return `${Math.round(seconds / 360) / 10} h`;
}

function gibibytes(bytes: number): string {
  return `${(bytes / 1024 ** 3).toFixed(1)} GiB`;
}

const TABLES_MAX = 20;
export const OTHER_TABLES = '(others)';
const MOVING: ReadonlySet<MirrorStatus> = new Set(['snapshotting', 'running', 'resyncing']);
/** Less is what any slot holds back for a while. */
const RETAINED_BYTES_MIN = 64 * 1024 ** 2;
const CRITICAL_SECONDS = 1_800;
