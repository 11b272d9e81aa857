import { DEFAULT_MIRROR_OPTIONS, type MirrorOptions } from '@bunnydb/contracts';

/** All options of a mirror as the /v1 contract names them: those that workers act on, and those that concern control alone. */
export interface MirrorConfig extends MirrorOptions {
  readonly resync_strategy: 'truncate' | 'swap';
}

export const DEFAULT_MIRROR_CONFIG: MirrorConfig = {
  ...DEFAULT_MIRROR_OPTIONS,
  resync_strategy: 'truncate',
};

/** The part of a config that capture, apply and schema act on. */
export function optionsOf(config: MirrorConfig): MirrorOptions {
  const names: readonly string[] = Object.keys(DEFAULT_MIRROR_OPTIONS);
  const options = Object.entries(config).filter(([name]) => names.includes(name));
  // A config has every option.
  return Object.fromEntries(options) as unknown as MirrorOptions;
}

/** Options that may change while a mirror lives; a change restarts its sessions and touches neither slot nor tables. */
export const LIVE_OPTIONS = [
  'max_batch_size',
  'idle_timeout_seconds',
  'snapshot_num_rows_per_partition',
  'snapshot_max_parallel_workers',
  'snapshot_num_tables_in_parallel',
  'on_table_error',
  'resync_strategy',
  'schema_changes',
  'heartbeat_interval_seconds',
  'stream_tail_bytes',
] as const satisfies readonly (keyof MirrorOptions)[];

/** Names of the given options that cannot change any more. */
export function fixedOptionsIn(names: readonly string[]): readonly string[] {
  const live: readonly string[] = LIVE_OPTIONS;
  return names.filter((name) => !live.includes(name));
}
