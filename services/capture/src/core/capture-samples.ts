import type { CaptureStats, Distribution, MetricSample } from '@bunnydb/contracts';
import { parseLsn } from '@bunnydb/pg-model';
import type { OperationTraffic } from './table-traffic.js';

/** What a run knows beside its statistics. */
export interface CaptureFacts {
  readonly stats: CaptureStats;
  readonly traffic: readonly OperationTraffic[];
  readonly pace: RunPace;
}

/** How a run gets on. */
export interface RunPace {
  /** Published and not known to be stored. */
  readonly unacknowledgedBytes: number;
  /** The slot is not read, because the stream takes no more for the moment. */
  readonly isHeld: boolean;
  readonly isStreamFull: boolean;
  readonly batchBytes: Distribution;
  readonly storeSeconds: Distribution;
}

/** The numbers of one mirror for `/metrics`. */
export function captureSamples(mirror: string, facts: CaptureFacts): MetricSample[] {
  const { stats, pace } = facts;
  const labels = { mirror };
  const source = lsn(stats.source_lsn);
  const published = lsn(stats.published_lsn);
  const confirmed = lsn(stats.confirmed_lsn);
  const numbers = {
    bunny_capture_source_lsn_bytes: source,
    bunny_capture_published_lsn_bytes: published,
    bunny_capture_lag_bytes: Math.max(0, source - published),
    bunny_slot_confirmed_lsn_bytes: confirmed,
    bunny_slot_lag_bytes: Math.max(0, source - confirmed),
    bunny_slot_retained_wal_bytes: stats.retained_wal_bytes,
    // What is not known is left out.
    bunny_slot_retained_wal_growth_bytes_per_second:
      stats.retained_wal_growth_bytes_per_second ?? Number.NaN,
    bunny_slot_wal_room_bytes: stats.wal_room_bytes ?? Number.NaN,
    bunny_stream_bytes: stats.stream_bytes,
    bunny_stream_messages: stats.stream_messages,
    bunny_capture_unacknowledged_bytes: pace.unacknowledgedBytes,
    bunny_capture_reading_held: Number(pace.isHeld),
    bunny_capture_stream_full: Number(pace.isStreamFull),
    bunny_capture_transactions_total: stats.transactions,
    bunny_capture_changes_total: stats.changes,
    bunny_capture_bytes_total: stats.bytes,
  } as const;
  const names = Object.keys(numbers) as (keyof typeof numbers)[];
  return [
    ...names.map((name) => ({ name, labels, value: numbers[name] })),
    ...facts.traffic.flatMap(trafficSamples(mirror)),
    { name: 'bunny_capture_batch_bytes', labels, distribution: pace.batchBytes },
    { name: 'bunny_capture_store_seconds', labels, distribution: pace.storeSeconds },
  ];
}

function trafficSamples(mirror: string) {
  return ({ table, operation, rows, bytes }: OperationTraffic): MetricSample[] => {
    const labels = { mirror, table, operation };
    return [
      { name: 'bunny_capture_table_rows_total', labels, value: rows },
      { name: 'bunny_capture_table_bytes_total', labels, value: bytes },
    ];
  };
}

function lsn(text: string): number {
  return Number(parseLsn(text));
}
