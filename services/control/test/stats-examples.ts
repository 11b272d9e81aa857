import type { ApplyStats, CaptureStats, TableStats } from '@bunnydb/contracts';
import { NOW } from './mirror-examples.js';

export const captureStats = (
  source_lsn: string,
  confirmed_lsn: string,
  mirror_id = 'm1',
): CaptureStats => ({
  v: 1,
  mirror_id,
  service: 'capture',
  at: NOW.toISOString(),
  source_lsn,
  published_lsn: confirmed_lsn,
  confirmed_lsn,
  retained_wal_bytes: 1,
  stream_bytes: 2,
  stream_messages: 3,
  transactions: 4,
  changes: 5,
  bytes: 6,
});
export const tableStats = (over: Partial<TableStats> = {}): TableStats => ({
  table: 'public.users',
  destination_table: 'public.users',
  status: 'running',
  rows_inserted: 1,
  rows_updated: 2,
  rows_deleted: 3,
  last_synced_at: null,
  ...over,
});
export const applyStats = (over: Partial<ApplyStats> = {}): ApplyStats => ({
  v: 1,
  mirror_id: 'm1',
  service: 'apply',
  at: NOW.toISOString(),
  phase: 'streaming',
  applied_lsn: '0/100',
  flushed_lsn: '0/100',
  applied_commit_time: null,
  lag_seconds: 0.5,
  last_batch_id: 'b1',
  transactions: 10,
  changes: 100,
  batches: 5,
  exact_path_batches: 0,
  missing_rows: 0,
  tables: [tableStats()],
  ...over,
});
