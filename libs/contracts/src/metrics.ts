/**
 * Every metric is named here and nowhere else, with its unit, its labels and who tells it; `docs/operations/metrics.md` is made from this table.
 * Names and units follow Prometheus: base units, `_total` for what only grows. LSNs are told as bytes of WAL since the beginning of time.
 */
import type { ServiceName } from './subjects.js';

export type MetricKind = 'gauge' | 'counter' | 'histogram';

/** Bounded: mirrors and tables are capped, all others are words of the program. */
export type MetricLabel =
  | 'mirror'
  | 'table'
  | 'operation'
  | 'status'
  | 'state'
  | 'service'
  | 'stat'
  | 'verb'
  | 'outcome'
  | 'condition'
  | 'method'
  | 'code';

/** As in the name's ending; empty for plain counts. */
export type MetricUnit = '' | 'bytes' | 'seconds' | 'bytes_per_second';

export interface MetricDefinition<Kind extends MetricKind = MetricKind> {
  readonly kind: Kind;
  readonly unit: MetricUnit;
  readonly labels: readonly MetricLabel[];
  readonly help: string;
}

const gauge = maker('gauge');
const counter = maker('counter');
const histogram = maker('histogram');
const NONE = [] as const;
const MIRROR = ['mirror'] as const;
const TABLE = ['mirror', 'table'] as const;
const ROWS = ['mirror', 'table', 'operation'] as const;
const STATUS = ['mirror', 'status'] as const;

const PROCESS_METRICS = {
  bunny_event_loop_delay_seconds: gauge(
    'seconds',
    ['stat'],
    'How late the event loop was since the last scrape: p50, p99, max.',
  ),
  bunny_process_resident_memory_bytes: gauge(
    'bytes',
    NONE,
    'Memory of the process that is in RAM.',
  ),
  bunny_process_heap_used_bytes: gauge('bytes', NONE, 'JavaScript objects.'),
  bunny_process_external_memory_bytes: gauge('bytes', NONE, 'Buffers outside the JavaScript heap.'),
  bunny_process_cpu_seconds_total: counter(
    'seconds',
    NONE,
    'Processor time of the process, user and system.',
  ),
  bunny_process_start_time_seconds: gauge('seconds', NONE, 'When the process started, since 1970.'),
  bunny_nats_connected: gauge('', NONE, '1 while the connection to NATS stands.'),
  bunny_stuck_loops: gauge(
    '',
    NONE,
    'Loops that have not turned for too long while nothing keeps them waiting; `/health` fails then.',
  ),
  bunny_commands_total: counter(
    '',
    ['verb', 'outcome'],
    'Commands worked off, `done` or `failed`.',
  ),
  bunny_sessions: gauge(
    '',
    MIRROR,
    '1 for each mirror that this process works on now (capture, apply, schema).',
  ),
  bunny_session_starts_total: counter(
    '',
    MIRROR,
    'Sessions of a mirror that were started; more than one means retries or changed options.',
  ),
  bunny_session_failures_total: counter(
    '',
    MIRROR,
    'Sessions of a mirror that failed; each is tried again as its failure kind says.',
  ),
};

const CAPTURE_METRICS = {
  bunny_capture_source_lsn_bytes: gauge(
    'bytes',
    MIRROR,
    'Position of the source, as far as it is known.',
  ),
  bunny_capture_published_lsn_bytes: gauge(
    'bytes',
    MIRROR,
    'End of the last transaction in the change stream.',
  ),
  bunny_capture_lag_bytes: gauge(
    'bytes',
    MIRROR,
    'WAL of the source that is not in the change stream yet.',
  ),
  bunny_slot_confirmed_lsn_bytes: gauge(
    'bytes',
    MIRROR,
    "The slot's position: what the destination has durably.",
  ),
  bunny_slot_lag_bytes: gauge('bytes', MIRROR, 'WAL between the source and the slot.'),
  bunny_slot_retained_wal_bytes: gauge('bytes', MIRROR, 'WAL that the source keeps for the slot.'),
  bunny_slot_retained_wal_growth_bytes_per_second: gauge(
    'bytes_per_second',
    MIRROR,
    'How fast that grows, over the last minutes; negative while it shrinks.',
  ),
  bunny_slot_wal_room_bytes: gauge(
    'bytes',
    MIRROR,
    'WAL that may still come before the source gives the slot up; absent without `max_slot_wal_keep_size`.',
  ),
  bunny_stream_bytes: gauge(
    'bytes',
    MIRROR,
    'What the change stream holds, with the tail that is kept for people.',
  ),
  bunny_stream_messages: gauge('', MIRROR, 'Messages in the change stream.'),
  bunny_capture_unacknowledged_bytes: gauge('bytes', MIRROR, 'Published, and not stored yet.'),
  bunny_capture_reading_held: gauge(
    '',
    MIRROR,
    '1 while the slot is not read because the stream takes no more for the moment.',
  ),
  bunny_capture_stream_full: gauge(
    '',
    MIRROR,
    '1 while the stream refuses messages for want of room.',
  ),
  bunny_capture_transactions_total: counter('', MIRROR, 'Source transactions that were read.'),
  bunny_capture_changes_total: counter('', MIRROR, 'Changes that were read.'),
  bunny_capture_bytes_total: counter('bytes', MIRROR, 'Payload that was published.'),
  bunny_capture_table_rows_total: counter(
    '',
    ROWS,
    'Changed rows that were published: insert, update, delete.',
  ),
  bunny_capture_table_bytes_total: counter(
    'bytes',
    ROWS,
    'Their payload; a message of several operations is shared out by their numbers.',
  ),
  bunny_capture_batch_bytes: histogram('bytes', MIRROR, 'Sizes of the batches in the stream.'),
  bunny_capture_store_seconds: histogram(
    'seconds',
    MIRROR,
    "From a batch's commit message to its acknowledgement.",
  ),
};

const APPLY_METRICS = {
  bunny_apply_applied_lsn_bytes: gauge(
    'bytes',
    MIRROR,
    'End of the last source transaction that is committed at the destination.',
  ),
  bunny_apply_flushed_lsn_bytes: gauge(
    'bytes',
    MIRROR,
    "The same, flushed to the destination's disk.",
  ),
  bunny_apply_lag_seconds: gauge(
    'seconds',
    MIRROR,
    'Age of the last applied source transaction while there are more; 0 when the stream is drained.',
  ),
  bunny_apply_queue_bytes: gauge(
    'bytes',
    MIRROR,
    'Batches in memory that wait for the destination.',
  ),
  bunny_apply_transactions_total: counter('', MIRROR, 'Source transactions that were applied.'),
  bunny_apply_changes_total: counter('', MIRROR, 'Changes that were applied.'),
  bunny_apply_batches_total: counter('', MIRROR, 'Batches that were applied.'),
  bunny_apply_exact_path_batches_total: counter(
    '',
    MIRROR,
    'Batches that had to be applied row by row.',
  ),
  bunny_apply_missing_rows_total: counter(
    '',
    MIRROR,
    'Updates and deletes whose row was not at the destination.',
  ),
  bunny_apply_refused_transactions_total: counter(
    '',
    MIRROR,
    'Destination transactions that were refused and tried again.',
  ),
  bunny_apply_table_rows_total: counter(
    '',
    ROWS,
    'Rows that were applied: insert, update, delete.',
  ),
  bunny_apply_transaction_changes: histogram('', MIRROR, 'Changes in one destination transaction.'),
  bunny_apply_transaction_bytes: histogram(
    'bytes',
    MIRROR,
    'Payload in one destination transaction.',
  ),
  bunny_apply_transaction_seconds: histogram(
    'seconds',
    MIRROR,
    'From its first statement to the answer to its COMMIT.',
  ),
  bunny_apply_tables: gauge('', STATUS, 'Tables by status; `held` and `error` need somebody.'),
  bunny_apply_parked_bytes: gauge(
    'bytes',
    TABLE,
    'Changes that wait at the destination for their table; of tables outside the main lane only.',
  ),
  bunny_copy_rows: gauge(
    '',
    TABLE,
    'Rows copied so far, of tables that are or were copied by this session.',
  ),
  bunny_copy_rows_estimated: gauge(
    '',
    TABLE,
    'Rows that there are to copy, by the statistics of the source.',
  ),
  bunny_copy_bytes: gauge('bytes', TABLE, 'Bytes copied so far.'),
  bunny_copy_bytes_estimated: gauge('bytes', TABLE, 'Bytes that there are to copy.'),
};

const CONTROL_METRICS = {
  bunny_mirrors: gauge('', ['status'], 'Mirrors by status.'),
  bunny_mirror_status: gauge('', STATUS, '1 for the status that a mirror has.'),
  bunny_mirror_lag_bytes: gauge(
    'bytes',
    MIRROR,
    'WAL between the source and the destination; absent until both sides have told.',
  ),
  bunny_mirror_lag_seconds: gauge('seconds', MIRROR, 'How old what the destination shows is.'),
  bunny_mirror_stats_age_seconds: gauge(
    'seconds',
    MIRROR,
    'Since when no worker told anything about the mirror.',
  ),
  bunny_mirror_tables: gauge('', STATUS, 'Tables of a mirror by status, as the catalog has them.'),
  bunny_mirror_errors_total: counter('', MIRROR, 'Failures in the history of a mirror.'),
  bunny_mirror_pending_schema_changes: gauge(
    '',
    MIRROR,
    'Differences of structure that nobody has decided on.',
  ),
  bunny_instances: gauge('', ['service'], 'Processes of a service that were heard of late.'),
  bunny_outbox_waiting: gauge('', NONE, 'Decisions of control that are not sent yet.'),
  bunny_alerts_open: gauge('', ['mirror', 'condition'], 'Alerts that are raised and not resolved.'),
  bunny_alert_deliveries_waiting: gauge(
    '',
    NONE,
    'Alert messages that the webhook has not taken yet.',
  ),
  bunny_http_requests_total: counter(
    '',
    ['method', 'code'],
    'Requests to the gateway, by the class of their answer (2xx … 5xx).',
  ),
  bunny_http_request_seconds: histogram(
    'seconds',
    ['method'],
    'How long they took; event streams are left out.',
  ),
};

/** Who tells what. */
export const METRICS_OF: Readonly<
  Record<ServiceName | 'every', Readonly<Record<string, MetricDefinition>>>
> = {
  every: PROCESS_METRICS,
  capture: CAPTURE_METRICS,
  apply: APPLY_METRICS,
  schema: {},
  control: CONTROL_METRICS,
};

export const METRICS = {
  ...PROCESS_METRICS,
  ...CAPTURE_METRICS,
  ...APPLY_METRICS,
  ...CONTROL_METRICS,
};

export type MetricName = keyof typeof METRICS;

type NameOf<Kind extends MetricKind> = {
  [Name in MetricName]: (typeof METRICS)[Name]['kind'] extends Kind ? Name : never;
}[MetricName];

/** What a histogram holds: `counts[i]` values up to `bounds[i]`, and one more for all above. */
export interface Distribution {
  readonly bounds: readonly number[];
  readonly counts: readonly number[];
  readonly sum: number;
}

export type MetricLabels = Readonly<Partial<Record<MetricLabel, string>>>;

/** One number at this moment. */
export type MetricSample =
  | {
      readonly name: NameOf<'gauge' | 'counter'>;
      readonly labels: MetricLabels;
      readonly value: number;
    }
  | {
      readonly name: NameOf<'histogram'>;
      readonly labels: MetricLabels;
      readonly distribution: Distribution;
    };

type Maker<Kind extends MetricKind> = (
  unit: MetricUnit,
  labels: readonly MetricLabel[],
  help: string,
) => MetricDefinition<Kind>;

function maker<Kind extends MetricKind>(kind: Kind): Maker<Kind> {
  return (unit, labels, help) => ({ kind, unit, labels, help });
}
