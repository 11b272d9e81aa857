import type { AnyWorkerEvent, PeerConnection, TableMapping, TableStatus } from '@bunnydb/contracts';
import type { FailureKind, FailureReport } from '@bunnydb/failure';
import { decideMirror } from '../src/core/mirror/decide-mirror.js';
import { evolveMirror } from '../src/core/mirror/evolve-mirror.js';
import type { MirrorCommand } from '../src/core/mirror/mirror-command.js';
import { DEFAULT_MIRROR_CONFIG, optionsOf } from '../src/core/mirror/mirror-config.js';
import type { MirrorCreated, MirrorEvent, StepVerb } from '../src/core/mirror/mirror-event.js';
import { ABSENT_MIRROR, type MirrorState } from '../src/core/mirror/mirror-state.js';
import { type MirrorEffect, reactMirror } from '../src/core/mirror/react-mirror.js';

export const NOW = new Date('2026-01-01T00:00:00.000Z');
export const LATER = new Date('2026-01-02T00:00:00.000Z');
export const ORIGIN = { service: 'apply', instance: 'apply-1' } as const;
export const CAPTURE = { service: 'capture', instance: 'capture-1' } as const;

export const peer = (name: string): PeerConnection => ({
  name,
  host: 'db.example',
  port: 5432,
  user: 'bunny',
  database: name,
  password: 'v1.sealed',
  ssl_mode: 'prefer',
});

export const ordersTable: TableMapping = {
  source: { schema: 'public', table: 'orders' },
  destination: { schema: 'archive', table: 'orders' },
  exclude_columns: [],
};

export const createdBody: MirrorCreated['body'] = {
  id: 'm1',
  name: 'shop',
  source_peer: 'src',
  destination_peer: 'dst',
  tables: [
    {
      source: { schema: 'public', table: 'users' },
      destination: { schema: 'public', table: 'users' },
      exclude_columns: [],
    },
  ],
  options: optionsOf(DEFAULT_MIRROR_CONFIG),
  config: DEFAULT_MIRROR_CONFIG,
  slot_name: 'bunny_m1',
  publication_name: 'bunny_m1',
  own_publication: false,
};

export const failure = (action: FailureReport['action'] = 'retry_timed'): FailureReport => ({
  kind: 'source_unreachable',
  message: 'the source cannot be reached',
  hint: 'Start it.',
  action,
  detail: {},
});

export const mirrorCreated: MirrorEvent = { type: 'mirror_created', body: createdBody };
export const started = (verb: StepVerb, command_id: string, failures = 0): MirrorEvent => ({
  type: 'step_started',
  body: { verb, command_id, failures, at: NOW.toISOString() },
});
export const provisioned = (command_id: string): MirrorEvent => ({
  type: 'tables_provisioned',
  body: { command_id, created: ['public.users'], existing: [], service: 'schema', instance: 's' },
});
export const prepared = (command_id: string): MirrorEvent => ({
  type: 'source_prepared',
  body: {
    command_id,
    slot_name: 'bunny_m1',
    publication_name: 'bunny_m1',
    identity: { system_id: '7', database: 'src', start_lsn: '0/10' },
    server_version: 170000,
    ...CAPTURE,
  },
});
export const stepFailed = (
  verb: StepVerb,
  command_id: string,
  next_retry_at: string | null = LATER.toISOString(),
): MirrorEvent => ({
  type: 'step_failed',
  body: { verb, command_id, failure: failure(), failures: 1, next_retry_at, ...CAPTURE },
});
/** What a session of capture or apply says when the mirror has lost what it would go on from. */
export const lost = (
  kind: FailureKind = 'slot_missing',
  origin: typeof ORIGIN | typeof CAPTURE = CAPTURE,
): MirrorEvent => ({
  type: 'session_failed',
  body: {
    failure: { ...failure('stop'), kind, message: 'it is gone' },
    attempt: 1,
    next_retry_at: null,
    ...origin,
  },
});
export const rebuildRequested = (number = 1): MirrorEvent => ({
  type: 'rebuild_requested',
  body: { number, strategy: 'swap', because: 'slot_missing', at: NOW.toISOString() },
});
export const rebuilt = (command_id: string): MirrorEvent => ({
  type: 'source_rebuilt',
  body: { command_id, ...REBUILT, ...CAPTURE },
});
export const restarted = (command_id: string): MirrorEvent => ({
  type: 'position_restarted',
  body: { command_id, start_lsn: '0/99', tables: 1, ...ORIGIN },
});
export const REBUILT = {
  slot_name: 'bunny_m1',
  publication_name: 'bunny_m1',
  identity: { system_id: '8', database: 'src', start_lsn: '0/99' },
  server_version: 170000,
} as const;
export const sessionFailed = (next_retry_at: string | null = null): MirrorEvent => ({
  type: 'session_failed',
  body: { failure: failure(), attempt: 1, next_retry_at, ...ORIGIN },
});
export const paused: MirrorEvent = { type: 'mirror_paused', body: {} };
export const resumed: MirrorEvent = { type: 'mirror_resumed', body: {} };
export const deleteAsked = (drop_tables = false, force = false): MirrorEvent => ({
  type: 'mirror_delete_requested',
  body: { drop_tables, force },
});
export const cleaned = (
  type: 'source_cleaned' | 'destination_cleaned',
  command_id: string,
  left: readonly string[] = [],
): MirrorEvent => ({ type, body: { command_id, left, ...ORIGIN } });
export const tablesDropped = (command_id: string): MirrorEvent => ({
  type: 'tables_dropped',
  body: { command_id, dropped: [], left: [], service: 'schema', instance: 's' },
});

export const tableState = (
  table: string,
  status: TableStatus,
  failed?: FailureReport,
  more: { readonly is_left_behind?: true } = {},
): MirrorEvent => ({
  type: 'table_state_changed',
  body: { table, status, ...(failed === undefined ? {} : { failure: failed }), ...more, ...ORIGIN },
});
/** An edit that adds `public.orders`, or also takes `public.users` out and drops it. */
export const changeRequested = (drop = false): MirrorEvent => ({
  type: 'tables_change_requested',
  body: {
    tables: drop ? [ordersTable] : [...createdBody.tables, ordersTable],
    patterns: [],
    added: ['public.orders'],
    removed: drop ? ['public.users'] : [],
    drop_removed: drop,
    asked_by: 'person',
  },
});
export const tablesChanged = (drop = false): MirrorEvent => ({
  type: 'tables_changed',
  body: { added: [ordersTable], removed: drop ? ['public.users'] : [], patterns: [] },
});
export const published = (command_id: string): MirrorEvent => ({
  type: 'publication_changed',
  body: { command_id, added: ['public.orders'], removed: [], ...CAPTURE },
});
export const resyncRequested = (...tables: readonly string[]): MirrorEvent => ({
  type: 'resync_requested',
  body: { tables, strategy: 'truncate', at: NOW.toISOString() },
});

/** What schema says when nothing was left to be built. */
export const structureBuilt = {
  built_count: 1,
  built: ['create_index public.users.users_name_idx'],
  skipped_count: 0,
  skipped: [],
  failed_count: 0,
  failed: [],
  seconds: 1,
} as const;

/** A worker's event as it comes in. */
export function told<Type extends AnyWorkerEvent['type']>(
  type: Type,
  body: Extract<AnyWorkerEvent, { type: Type }>['body'],
  origin: { readonly service: AnyWorkerEvent['service']; readonly instance: string } = ORIGIN,
): AnyWorkerEvent {
  const event = {
    v: 1,
    event_id: 'e',
    type,
    mirror_id: 'm1',
    at: NOW.toISOString(),
    body,
    ...origin,
  };
  // The type parameter ties the body to the type, which TypeScript loses in the object.
  return event as unknown as AnyWorkerEvent;
}

export const stateAfter = (events: readonly MirrorEvent[]): MirrorState =>
  events.reduce(evolveMirror, ABSENT_MIRROR);

const preparedHistory: readonly MirrorEvent[] = [
  mirrorCreated,
  started('provision_tables', 'c1'),
  provisioned('c1'),
  started('prepare_source', 'c2'),
  prepared('c2'),
];

const runningHistory: readonly MirrorEvent[] = [
  ...preparedHistory,
  { type: 'copy_finished', body: { tables: 1, rows: 5, seconds: 1, ...ORIGIN } },
  started('build_structure', 'b0'),
  {
    type: 'structure_built',
    body: { command_id: 'b0', ...structureBuilt, service: 'schema', instance: 's' },
  },
];
const rebuilding: readonly MirrorEvent[] = [
  ...runningHistory,
  lost(),
  rebuildRequested(),
  started('rebuild_source', 'r1'),
];
const publishing = (drop = false): readonly MirrorEvent[] => [
  ...runningHistory,
  changeRequested(drop),
  started('provision_tables', 'e1'),
  provisioned('e1'),
  started('change_publication', 'e2'),
];

/** Histories that lead to every state of a mirror's life. */
export const HISTORIES = {
  absent: [],
  created: [mirrorCreated],
  provisioning: [mirrorCreated, started('provision_tables', 'c1')],
  preparing: [
    mirrorCreated,
    started('provision_tables', 'c1'),
    provisioned('c1'),
    started('prepare_source', 'c2'),
  ],
  setup_waiting: [
    mirrorCreated,
    started('provision_tables', 'c1'),
    stepFailed('provision_tables', 'c1'),
  ],
  setup_stuck: [
    mirrorCreated,
    started('provision_tables', 'c1'),
    stepFailed('provision_tables', 'c1', null),
  ],
  prepared: [...preparedHistory],
  copying: [
    ...preparedHistory,
    { type: 'copy_started', body: { tables: ['public.users'], ...ORIGIN } },
  ],
  running: runningHistory,
  building: [...runningHistory, started('build_structure', 'b1')],
  troubled: [...preparedHistory, sessionFailed()],
  paused_in_setup: [mirrorCreated, started('provision_tables', 'c1'), paused],
  paused: [...preparedHistory, paused],
  settling: [
    mirrorCreated,
    started('provision_tables', 'c1'),
    provisioned('c1'),
    started('prepare_source', 'c2'),
    deleteAsked(),
  ],
  terminating: [
    ...preparedHistory,
    deleteAsked(true),
    started('clean_source', 'd1'),
    started('clean_destination', 'd2'),
  ],
  terminating_waiting: [
    ...preparedHistory,
    deleteAsked(),
    started('clean_source', 'd1'),
    stepFailed('clean_source', 'd1'),
    started('clean_destination', 'd2'),
  ],
  dropped: [...preparedHistory, deleteAsked(), { type: 'mirror_dropped', body: { left: [] } }],
  editing: [...runningHistory, changeRequested(), started('provision_tables', 'e1')],
  publishing: publishing(),
  edit_waiting: [...publishing(), stepFailed('change_publication', 'e2')],
  letting_go: [...publishing(true), published('e2'), tablesChanged(true)],
  held: [...runningHistory, tableState('public.users', 'held', failure())],
  resyncing: [
    ...runningHistory,
    resyncRequested(),
    started('change_lanes', 'l1'),
    { type: 'lanes_changed', body: { command_id: 'l1', action: 'resync', tables: [], ...ORIGIN } },
    tableState('public.users', 'resyncing'),
  ],
  resyncing_table: [
    ...runningHistory,
    resyncRequested('public.users'),
    started('change_lanes', 'l1'),
  ],
  syncing: [
    ...runningHistory,
    { type: 'schema_sync_requested', body: { changes: ['c1'], allow_destructive: false } },
    started('sync_schema', 's1'),
  ],
  lost: [...runningHistory, lost()],
  lost_in_copy: [...preparedHistory, lost('foreign_server')],
  rebuilding,
  rebuild_waiting: [...rebuilding, stepFailed('rebuild_source', 'r1', null)],
  restarting: [...rebuilding, rebuilt('r1'), started('restart_position', 'r2')],
  paused_in_rebuild: [...rebuilding, paused],
  terminating_rebuild: [...rebuilding, deleteAsked()],
  restarted: [...rebuilding, rebuilt('r1'), started('restart_position', 'r2'), restarted('r2')],
  paused_in_edit: [...publishing(), paused],
  terminating_edit: [...publishing(), deleteAsked(true)],
} as const satisfies Readonly<Record<string, readonly MirrorEvent[]>>;

export interface Outcome {
  readonly refused?: string;
  readonly events: readonly MirrorEvent[];
  readonly effects: readonly MirrorEffect[];
}

/** Given a history, when a command comes, then these events and effects follow, the saga's included. */
export function when(history: readonly MirrorEvent[], command: MirrorCommand): Outcome {
  const before = stateAfter(history);
  const decision = decideMirror(before, command);
  if (decision.tag === 'refused') {
    return { refused: decision.refusal.reason, events: [], effects: [] };
  }
  let count = 0;
  const after = decision.events.reduce(evolveMirror, before);
  const reaction = reactMirror(before, decision.events, after, {
    now: NOW,
    newId: () => `n${(count += 1)}`,
  });
  return { events: [...decision.events, ...reaction.events], effects: reaction.effects };
}

export const record = (event: AnyWorkerEvent, random = 0): MirrorCommand => ({
  type: 'record',
  event,
  now: NOW,
  random,
});
