/** What a mirror can be told, in the words of a person; names and defaults are the contract's. */
export interface OptionHelp {
  readonly name: string;
  readonly label: string;
  readonly help: string;
  readonly kind:
    | { readonly type: 'flag' }
    | { readonly type: 'number'; readonly min: number; readonly max: number }
    | {
        readonly type: 'choice';
        readonly values: readonly { readonly value: string; readonly label: string }[];
      };
  readonly initial: boolean | number | string;
  /** Whether it may change while the mirror lives. */
  readonly isLive: boolean;
}

const choice = (...values: readonly (readonly [string, string])[]): OptionHelp['kind'] => ({
  type: 'choice',
  values: values.map(([value, label]) => ({ value, label })),
});

export const MIRROR_OPTIONS: readonly OptionHelp[] = [
  {
    name: 'do_initial_snapshot',
    label: 'Copy what is there',
    help: 'Off: only changes from now on are carried.',
    kind: { type: 'flag' },
    initial: true,
    isLive: false,
  },
  {
    name: 'schema_changes',
    label: 'Schema changes of the source',
    help: 'What ALTER TABLE and the like do to the destination.',
    kind: choice(
      ['auto', 'carry safe ones along'],
      ['manual', 'hold the table until somebody decides'],
      ['ignore', 'keep the columns that both have'],
    ),
    initial: 'auto',
    isLive: true,
  },
  {
    name: 'foreign_key_strategy',
    label: 'Foreign keys',
    help: 'How they are made at the destination.',
    kind: choice(
      ['defer', 'deferrable, checked at commit'],
      ['replica', 'as they are, not checked for the mirror'],
      ['none', 'none'],
    ),
    initial: 'defer',
    isLive: false,
  },
  {
    name: 'replicate_indexes',
    label: 'Carry indexes and unique constraints',
    help: 'Built after the copy, beside the changes.',
    kind: { type: 'flag' },
    initial: true,
    isLive: false,
  },
  {
    name: 'replicate_foreign_keys',
    label: 'Carry foreign keys',
    help: 'Added and validated after the copy.',
    kind: { type: 'flag' },
    initial: true,
    isLive: false,
  },
  {
    name: 'on_table_error',
    label: 'When a table cannot be applied',
    help: 'Its changes are kept either way.',
    kind: choice(['hold', 'hold that table, the others go on'], ['stop', 'stop the mirror']),
    initial: 'hold',
    isLive: true,
  },
  {
    name: 'resync_strategy',
    label: 'How a table is copied again',
    help: 'Unless it is said when it is asked for.',
    kind: choice(
      ['truncate', 'empty it and fill it again'],
      ['swap', 'fill a shadow table and swap'],
    ),
    initial: 'truncate',
    isLive: true,
  },
  {
    name: 'snapshot_max_parallel_workers',
    label: 'Copies at a time',
    help: 'Over all tables. More load on both servers, less time.',
    kind: { type: 'number', min: 1, max: 64 },
    initial: 4,
    isLive: true,
  },
  {
    name: 'snapshot_num_tables_in_parallel',
    label: 'Tables at a time',
    help: 'How many tables are copied side by side.',
    kind: { type: 'number', min: 1, max: 64 },
    initial: 4,
    isLive: true,
  },
  {
    name: 'snapshot_num_rows_per_partition',
    label: 'Rows in a part',
    help: 'A large table is copied in parts of about so many rows.',
    kind: { type: 'number', min: 1, max: 1_000_000_000 },
    initial: 250_000,
    isLive: true,
  },
  {
    name: 'max_batch_size',
    label: 'Changes in a batch',
    help: 'The most in one destination transaction when catching up; a source transaction is never split.',
    kind: { type: 'number', min: 1, max: 10_000_000 },
    initial: 10_000,
    isLive: true,
  },
  {
    name: 'idle_timeout_seconds',
    label: 'Seconds to fill a batch',
    help: '0: every transaction is applied as soon as it commits.',
    kind: { type: 'number', min: 0, max: 86_400 },
    initial: 0,
    isLive: true,
  },
];
