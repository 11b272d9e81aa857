/** What a mirror can be told, in the words of a person; names and defaults are the contract's. */
export interface OptionHelp {
  readonly name: string;
  readonly label: string;
  readonly help: string;
  readonly kind: OptionKind;
  readonly initial: OptionValue;
  /** Whether it may change while the mirror lives. */
  readonly isLive: boolean;
}

export type OptionValue = boolean | number | string | Readonly<Record<string, boolean>>;
export type OptionValues = Readonly<Record<string, OptionValue>>;

interface Named {
  readonly value: string;
  readonly label: string;
}

export type OptionKind =
  | { readonly type: 'flag' }
  | { readonly type: 'number'; readonly min: number; readonly max: number }
  /** Bytes, asked for in MiB. */
  | { readonly type: 'bytes'; readonly min: number; readonly max: number }
  | { readonly type: 'choice'; readonly values: readonly Named[] }
  /** Any of these; what is not chosen is off. */
  | { readonly type: 'parts'; readonly parts: readonly Named[] }
  /** Left empty it is the mirror's own. */
  | { readonly type: 'text' };

export interface OptionGroup {
  readonly title: string;
  readonly options: readonly OptionHelp[];
}

const MIB = 1024 ** 2;
const TIB = 1024 ** 4;
const flag: OptionKind = { type: 'flag' };
const number = (min: number, max: number): OptionKind => ({ type: 'number', min, max });
const named = (pairs: readonly (readonly [string, string])[]): readonly Named[] =>
  pairs.map(([value, label]) => ({ value, label }));
const choice = (...pairs: readonly (readonly [string, string])[]): OptionKind => ({
  type: 'choice',
  values: named(pairs),
});
const live = (
  name: string,
  label: string,
  help: string,
  kind: OptionKind,
  initial: OptionValue,
): OptionHelp => ({ name, label, help, kind, initial, isLive: true });
const fixed = (...parts: Parameters<typeof live>): OptionHelp => ({
  ...live(...parts),
  isLive: false,
});

const STRUCTURE_PARTS = named([
  ['columns', 'columns'],
  ['types', 'types'],
  ['defaults', 'defaults'],
  ['not_null', 'NOT NULL'],
  ['checks', 'checks'],
  ['identity', 'identity'],
  ['sequences', 'sequences'],
]);

const COPY: readonly OptionHelp[] = [
  fixed(
    'do_initial_snapshot',
    'Copy what is there',
    'Off: only changes from now on are carried.',
    flag,
    true,
  ),
  live(
    'snapshot_max_parallel_workers',
    'Copies at a time',
    'Over all tables. More load on both servers, less time.',
    number(1, 64),
    4,
  ),
  live(
    'snapshot_num_tables_in_parallel',
    'Tables at a time',
    'How many tables are copied side by side.',
    number(1, 64),
    4,
  ),
  live(
    'snapshot_num_rows_per_partition',
    'Rows in a part',
    'A large table is copied in parts of about so many rows.',
    number(1, 1_000_000_000),
    250_000,
  ),
  live(
    'resync_strategy',
    'How a table is copied again',
    'Unless it is said when it is asked for.',
    choice(['truncate', 'empty it and fill it again'], ['swap', 'fill a shadow table and swap']),
    'truncate',
  ),
];

const CHANGES: readonly OptionHelp[] = [
  live(
    'max_batch_size',
    'Changes in a batch',
    'The most in one destination transaction when catching up. A source transaction is never split.',
    number(1, 10_000_000),
    10_000,
  ),
  live(
    'idle_timeout_seconds',
    'Seconds to fill a batch',
    '0: every transaction is applied as soon as it commits.',
    number(0, 86_400),
    0,
  ),
  live(
    'on_table_error',
    'When a table cannot be applied',
    'Its changes are kept either way.',
    choice(['hold', 'hold that table, the others go on'], ['stop', 'stop the mirror']),
    'hold',
  ),
];

const STRUCTURE: readonly OptionHelp[] = [
  live(
    'schema_changes',
    'Schema changes of the source',
    'What ALTER TABLE and the like do to the destination.',
    choice(
      ['auto', 'carry safe ones along'],
      ['manual', 'hold the table until somebody decides'],
      ['ignore', 'keep the columns that both have'],
    ),
    'auto',
  ),
  fixed(
    'foreign_key_strategy',
    'Foreign keys',
    'How they are made at the destination.',
    choice(
      ['defer', 'deferrable, checked at commit'],
      ['replica', 'as they are, not checked for the mirror'],
      ['none', 'none'],
    ),
    'defer',
  ),
  fixed(
    'replicate_indexes',
    'Carry indexes and unique constraints',
    'Built after the copy, beside the changes.',
    flag,
    true,
  ),
  fixed(
    'replicate_foreign_keys',
    'Carry foreign keys',
    'Added and validated after the copy.',
    flag,
    true,
  ),
  fixed(
    'ddl_event_trigger',
    'Have the source tell of schema changes',
    'By an event trigger, where its role may make one. Off: both sides are compared now and then.',
    flag,
    true,
  ),
  fixed(
    'replicate_schema',
    'What of a table is carried',
    'Parts that are off are as you make them at the destination.',
    { type: 'parts', parts: STRUCTURE_PARTS },
    Object.fromEntries(STRUCTURE_PARTS.map(({ value }) => [value, true])),
  ),
];

const STREAM: readonly OptionHelp[] = [
  fixed(
    'stream_max_bytes',
    'Most that the change stream holds',
    'When it is full the source waits with its WAL; nothing is lost.',
    { type: 'bytes', min: 16 * MIB, max: TIB },
    4_096 * MIB,
  ),
  live(
    'stream_tail_bytes',
    'Applied changes that are kept to be looked at',
    'And to be replayed, when the destination itself is set back.',
    { type: 'bytes', min: 0, max: TIB },
    256 * MIB,
  ),
  live(
    'heartbeat_interval_seconds',
    'Seconds until a silent source is asked',
    'A message through its WAL proves that it is still heard. 0: never.',
    number(0, 86_400),
    60,
  ),
  fixed(
    'publication_name',
    'Publication',
    'An own one is never altered or dropped. Empty: the mirror makes one.',
    { type: 'text' },
    '',
  ),
  fixed(
    'replication_slot_name',
    'Replication slot',
    'Small letters, digits and _. Empty: named after the mirror’s id.',
    { type: 'text' },
    '',
  ),
];

export const OPTION_GROUPS: readonly OptionGroup[] = [
  { title: 'Copying', options: COPY },
  { title: 'Changes', options: CHANGES },
  { title: 'Structure', options: STRUCTURE },
  { title: 'Stream and source', options: STREAM },
];
export const MIRROR_OPTIONS: readonly OptionHelp[] = OPTION_GROUPS.flatMap(
  (group) => group.options,
);
