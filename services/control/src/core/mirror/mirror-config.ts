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
  return {
    do_initial_snapshot: config.do_initial_snapshot,
    snapshot_num_rows_per_partition: config.snapshot_num_rows_per_partition,
    snapshot_max_parallel_workers: config.snapshot_max_parallel_workers,
    snapshot_num_tables_in_parallel: config.snapshot_num_tables_in_parallel,
    max_batch_size: config.max_batch_size,
    idle_timeout_seconds: config.idle_timeout_seconds,
    schema_changes: config.schema_changes,
    replicate_schema: config.replicate_schema,
    replicate_indexes: config.replicate_indexes,
    replicate_foreign_keys: config.replicate_foreign_keys,
    foreign_key_strategy: config.foreign_key_strategy,
    on_table_error: config.on_table_error,
    resync_strategy: config.resync_strategy,
    ddl_event_trigger: config.ddl_event_trigger,
    stream_max_bytes: config.stream_max_bytes,
    stream_tail_bytes: config.stream_tail_bytes,
  };
}

/** Options that may change while a mirror lives; a change restarts its sessions and touches neither slot nor tables. */
export const LIVE_OPTIONS = [
  'max_batch_size',
  'idle_timeout_seconds',
  'snapshot_num_rows_per_partition',
  'snapshot_max_parallel_workers',
  'snapshot_num_tables_in_parallel',
  'on_table_error',
  'stream_tail_bytes',
] as const satisfies readonly (keyof MirrorOptions)[];

/** Names of the given options that cannot change any more. */
export function fixedOptionsIn(names: readonly string[]): readonly string[] {
  const live: readonly string[] = LIVE_OPTIONS;
  return names.filter((name) => !live.includes(name));
}
