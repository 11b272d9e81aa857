import { describe, expect, it } from 'vitest';
import { METRICS, type ApplyStats, type MetricSample } from '@bunnydb/contracts';
import { applySamples, paceSamples } from '../src/core/apply-samples.js';

const STATS: ApplyStats = {
  v: 1,
  mirror_id: 'm1',
  service: 'apply',
  at: '2026-01-01T00:00:00Z',
  phase: 'streaming',
  applied_lsn: '0/200',
  flushed_lsn: '0/100',
  applied_commit_time: null,
  lag_seconds: 1.5,
  last_batch_id: null,
  transactions: 1,
  changes: 2,
  batches: 3,
  exact_path_batches: 4,
  missing_rows: 5,
  tables: [
    {
      table: 'public.orders',
      destination_table: 'public.orders',
      status: 'held',
      rows_inserted: 6,
      rows_updated: 7,
      rows_deleted: 8,
      last_synced_at: null,
      copy: {
        partitions_done: 1,
        partitions_total: 2,
        rows_done: 10,
        rows_estimated: 20,
        bytes_done: 30,
        bytes_estimated: 40,
      },
    },
  ],
};

const NOTHING = { bounds: [1], counts: [0, 0], sum: 0 };

function told(samples: readonly MetricSample[]): Record<string, number> {
  return Object.fromEntries(
    samples.flatMap((sample) =>
      'value' in sample
        ? [
            [
              `${sample.name} ${sample.labels.operation ?? sample.labels.status ?? ''}`.trim(),
              sample.value,
            ],
          ]
        : [],
    ),
  );
}

describe('what apply tells in numbers', () => {
  it('tells positions, rows by table and operation, tables by status and the progress of copies', () => {
    expect(told(applySamples('shop', STATS))).toMatchObject({
      bunny_apply_applied_lsn_bytes: 0x200,
      bunny_apply_flushed_lsn_bytes: 0x100,
      bunny_apply_lag_seconds: 1.5,
      bunny_apply_exact_path_batches_total: 4,
      'bunny_apply_table_rows_total insert': 6,
      'bunny_apply_table_rows_total delete': 8,
      'bunny_apply_tables held': 1,
      'bunny_apply_tables running': 0,
      bunny_copy_rows: 10,
      bunny_copy_bytes_estimated: 40,
    });
  });

  it('gives each number all labels of its metric and no other', () => {
    const samples = [
      ...applySamples('shop', STATS),
      ...paceSamples('shop', {
        queueBytes: 1,
        refusedTransactions: 2,
        transactionChanges: NOTHING,
        transactionBytes: NOTHING,
        transactionSeconds: NOTHING,
      }),
    ];
    for (const { name, labels } of samples)
      expect(Object.keys(labels).sort()).toEqual([...METRICS[name].labels].sort());
  });
});
