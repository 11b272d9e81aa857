import {
  TABLE_STATUSES,
  type ApplyStats,
  type Distribution,
  type MetricSample,
  type TableStats,
} from '@bunnydb/contracts';
import { parseLsn } from '@bunnydb/pg-model';

/** How a session's main lane gets on, beside what its statistics tell. */
export interface ApplyPace {
  /** Batches in memory that wait for the destination. */
  readonly queueBytes: number;
  readonly refusedTransactions: number;
  readonly transactionChanges: Distribution;
  readonly transactionBytes: Distribution;
  readonly transactionSeconds: Distribution;
}

/** The numbers of one mirror for `/metrics`. */
export function applySamples(mirror: string, stats: ApplyStats): MetricSample[] {
  const labels = { mirror };
  const numbers = {
    bunny_apply_applied_lsn_bytes: Number(parseLsn(stats.applied_lsn)),
    bunny_apply_flushed_lsn_bytes: Number(parseLsn(stats.flushed_lsn)),
    bunny_apply_lag_seconds: stats.lag_seconds,
    bunny_apply_transactions_total: stats.transactions,
    bunny_apply_changes_total: stats.changes,
    bunny_apply_batches_total: stats.batches,
    bunny_apply_exact_path_batches_total: stats.exact_path_batches,
    bunny_apply_missing_rows_total: stats.missing_rows,
  } as const;
  const names = Object.keys(numbers) as (keyof typeof numbers)[];
  return [
    ...names.map((name) => ({ name, labels, value: numbers[name] })),
    ...TABLE_STATUSES.map((status) => ({
      name: 'bunny_apply_tables' as const,
      labels: { mirror, status },
      value: stats.tables.filter((table) => table.status === status).length,
    })),
    ...stats.tables.flatMap((table) => tableSamples(mirror, table)),
  ];
}

/** The same of what only a streaming session has. */
export function paceSamples(mirror: string, pace: ApplyPace): MetricSample[] {
  const labels = { mirror };
  return [
    { name: 'bunny_apply_queue_bytes', labels, value: pace.queueBytes },
    {
      name: 'bunny_apply_refused_transactions_total',
      labels,
      value: pace.refusedTransactions,
    },
    {
      name: 'bunny_apply_transaction_changes',
      labels,
      distribution: pace.transactionChanges,
    },
    { name: 'bunny_apply_transaction_bytes', labels, distribution: pace.transactionBytes },
    { name: 'bunny_apply_transaction_seconds', labels, distribution: pace.transactionSeconds },
  ];
}

function tableSamples(mirror: string, stats: TableStats): MetricSample[] {
  const { table, copy } = stats;
  const rows = [
    ['insert', stats.rows_inserted],
    ['update', stats.rows_updated],
    ['delete', stats.rows_deleted],
  ] as const;
  const labels = { mirror, table };
  return [
    ...rows.map(([operation, value]) => ({
      name: 'bunny_apply_table_rows_total' as const,
      labels: { ...labels, operation },
      value,
    })),
    ...(copy === undefined
      ? []
      : [
          { name: 'bunny_copy_rows' as const, labels, value: copy.rows_done },
          {
            name: 'bunny_copy_rows_estimated' as const,
            labels,
            value: copy.rows_estimated,
          },
          { name: 'bunny_copy_bytes' as const, labels, value: copy.bytes_done },
          {
            name: 'bunny_copy_bytes_estimated' as const,
            labels,
            value: copy.bytes_estimated,
          },
        ]),
  ];
}
