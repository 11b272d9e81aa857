import { type Lsn, compareLsn, maxLsn, parseLsn } from '@bunnydb/pg-model';
import type { ApplyStats, CaptureStats } from '@bunnydb/contracts';

/** The last that both workers told about a mirror. */
export interface MirrorStats {
  readonly capture: CaptureStats | null;
  readonly apply: ApplyStats | null;
}

export const NO_STATS: MirrorStats = { capture: null, apply: null };

/** One point of the series behind the graphs. */
export interface MetricsSample {
  readonly at: string;
  readonly lag_bytes: number | null;
  readonly lag_seconds: number | null;
  readonly rows_per_second: number;
  readonly transactions_per_second: number;
  readonly total_rows_synced: number;
  readonly retained_wal_bytes: number | null;
  readonly stream_bytes: number | null;
  readonly stream_messages: number | null;
}

/** Running totals, from which rates are made. They start again when a session does. */
export interface Totals {
  readonly atMs: number;
  readonly changes: number;
  readonly transactions: number;
  readonly copiedRows: number;
  readonly copiedBytes: number;
  readonly copiedBytesOf: ReadonlyMap<string, number>;
}

/** How far the destination is behind the source, in bytes of WAL; null until both sides have told. */
export function lagBytesOf({ capture, apply }: MirrorStats): number | null {
  if (capture === null) return null;
  const reached = [apply?.flushed_lsn, apply?.applied_lsn, capture.confirmed_lsn]
    .flatMap((text) => (text === undefined ? [] : [lsnOf(text)]))
    .filter((lsn) => lsn !== null)
    .reduce<Lsn | null>((latest, lsn) => (latest === null ? lsn : maxLsn(latest, lsn)), null);
  const source = lsnOf(capture.source_lsn);
  if (source === null || reached === null) return null;
  // The source's position is older news than the destination's now and then.
  return compareLsn(source, reached) <= 0 ? 0 : Number(source - reached);
}

/** Rows that were copied, and rows that were changed since. */
export function rowsSyncedOf(apply: ApplyStats | null): number {
  return (apply?.tables ?? []).reduce(
    (sum, table) =>
      sum +
      (table.copy?.rows_done ?? 0) +
      table.rows_inserted +
      table.rows_updated +
      table.rows_deleted,
    0,
  );
}

/** The statistics of a session that did not copy, with what an earlier one told about the copies of the same tables. */
export function withKnownCopies(earlier: ApplyStats | null, later: ApplyStats): ApplyStats {
  const known = new Map(earlier?.tables.map(({ table, copy }) => [table, copy]));
  const tables = later.tables.map((table) => {
    const copy = table.copy ?? known.get(table.table);
    return copy === undefined ? table : { ...table, copy };
  });
  return { ...later, tables };
}

/** The running totals of an apply session. */
export function totalsOf(apply: ApplyStats, atMs: number): Totals {
  const copies = apply.tables.flatMap(({ copy }) => (copy === undefined ? [] : [copy]));
  return {
    atMs,
    changes: apply.changes,
    transactions: apply.transactions,
    copiedRows: copies.reduce((sum, copy) => sum + copy.rows_done, 0),
    copiedBytes: copies.reduce((sum, copy) => sum + copy.bytes_done, 0),
    copiedBytesOf: new Map(apply.tables.map(({ table, copy }) => [table, copy?.bytes_done ?? 0])),
  };
}

export interface Rates {
  readonly rowsPerSecond: number;
  readonly transactionsPerSecond: number;
  readonly copiedBytesPerSecond: number;
  /** By source name; tables that are not being copied are left out. */
  readonly tableBytesPerSecond: ReadonlyMap<string, number>;
}

export const NO_RATES: Rates = {
  rowsPerSecond: 0,
  transactionsPerSecond: 0,
  copiedBytesPerSecond: 0,
  tableBytesPerSecond: new Map(),
};

/** What happened between two totals, per second. A counter that went back started again: what it shows now came since. */
export function ratesBetween(earlier: Totals, later: Totals): Rates {
  const seconds = (later.atMs - earlier.atMs) / 1000;
  if (seconds <= 0) return NO_RATES;
  const rateOf = (before: number, after: number): number => {
    const grown = after - before;
    return (grown >= 0 ? grown : after) / seconds;
  };
  const rate = (name: 'changes' | 'transactions' | 'copiedRows' | 'copiedBytes'): number =>
    rateOf(earlier[name], later[name]);
  const ofTables = [...later.copiedBytesOf].map(
    ([table, bytes]) => [table, rateOf(earlier.copiedBytesOf.get(table) ?? 0, bytes)] as const,
  );
  return {
    rowsPerSecond: round(rate('changes') + rate('copiedRows')),
    transactionsPerSecond: round(rate('transactions')),
    copiedBytesPerSecond: round(rate('copiedBytes')),
    tableBytesPerSecond: new Map(ofTables.filter(([, perSecond]) => perSecond > 0)),
  };
}

/** What an applier told some time ago: the destination shows the same as then, so it is older by that. */
export function agedBy(stats: MirrorStats, silentMs: number): MirrorStats {
  const { apply } = stats;
  if (apply === null) return stats;
  return {
    ...stats,
    apply: { ...apply, lag_seconds: round(apply.lag_seconds + silentMs / 1_000) },
  };
}

/** One point of the series. */
export function sampleOf(stats: MirrorStats, rates: Rates, at: Date): MetricsSample {
  return {
    at: at.toISOString(),
    lag_bytes: lagBytesOf(stats),
    lag_seconds: stats.apply?.lag_seconds ?? null,
    rows_per_second: rates.rowsPerSecond,
    transactions_per_second: rates.transactionsPerSecond,
    total_rows_synced: rowsSyncedOf(stats.apply),
    retained_wal_bytes: stats.capture?.retained_wal_bytes ?? null,
    stream_bytes: stats.capture?.stream_bytes ?? null,
    stream_messages: stats.capture?.stream_messages ?? null,
  };
}

function lsnOf(text: string): Lsn | null {
  try {
    return parseLsn(text);
  } catch {
    return null;
  }
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
