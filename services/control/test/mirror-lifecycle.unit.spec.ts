import { describe, expect, it } from 'vitest';
import { isMirrorEventType } from '../src/core/mirror/mirror-event.js';
import type { MirrorCommand } from '../src/core/mirror/mirror-command.js';
import { logLineOf } from '../src/core/mirror/mirror-log-line.js';
import { commandSpecOf, desiredSpecOf } from '../src/core/mirror/mirror-spec-of.js';
import { MIRROR_STATUSES, mirrorPhase, mirrorStatus } from '../src/core/mirror/mirror-status.js';
import { nextWakeAt, outstandingSince } from '../src/core/mirror/mirror-steps.js';
import {
  HISTORIES,
  LATER,
  NOW,
  REBUILT,
  createdBody,
  failure,
  ordersTable,
  peer,
  record,
  structureBuilt,
  stateAfter,
  told,
  when,
} from './mirror-examples.js';

const peers = { source: peer('src'), destination: peer('dst') };
const source = {
  slot_name: 'bunny_m1',
  publication_name: 'bunny_m1',
  identity: { system_id: '7', database: 'src', start_lsn: '0/10' },
  server_version: 170000,
};

const WISHES = {
  create: { type: 'create', body: createdBody },
  pause: { type: 'pause' },
  resume: { type: 'resume' },
  retry: { type: 'retry' },
  delete: { type: 'delete', dropTables: true, force: false },
  force: { type: 'delete', dropTables: true, force: true },
  change_options: { type: 'change_options', options: { max_batch_size: 5 } },
  note_peer_changed: { type: 'note_peer_changed', peer: 'src' },
  tick: { type: 'tick', now: LATER },
  note_lost: { type: 'note_lost', commandId: 'c1' },
  retry_table: { type: 'retry_table', table: 'public.users' },
  resync: { type: 'resync', now: NOW },
  resync_table: { type: 'resync', table: 'public.users', now: NOW },
  change_tables: {
    type: 'change_tables',
    tables: [...createdBody.tables, ordersTable],
    patterns: [],
    basis: createdBody.tables,
    dropRemoved: false,
  },
  sync_schema: { type: 'sync_schema', wishes: { allow_destructive: false } },
} as const satisfies Readonly<Record<string, MirrorCommand>>;

const TOLD: readonly MirrorCommand[] = [
  told('tables_provisioned', { command_id: 'c1', created: [], existing: [] }),
  told('source_prepared', { command_id: 'c2', ...source }),
  told('source_cleaned', { command_id: 'd1', left: [] }),
  told('destination_cleaned', { command_id: 'd2', left: [] }),
  told('tables_dropped', { command_id: 'd3', dropped: [], left: [] }),
  told('command_failed', { command_id: 'c1', failure: failure() }),
  told('session_started', { generation: 1 }),
  told('session_failed', { failure: failure(), attempt: 1, next_retry_at: null }),
  told('session_recovered', {}),
  told('copy_started', { tables: [] }),
  told('table_state_changed', { table: 'public.users', status: 'held', failure: failure() }),
  told('copy_finished', { tables: 1, rows: 1, seconds: 1 }),
  told('structure_progress', { done: 1, total: 2, object: 'public.users.users_name_idx' }),
  told('structure_built', { command_id: 'b1', ...structureBuilt }),
  told('publication_changed', { command_id: 'e2', added: [], removed: [] }),
  told('lanes_changed', { command_id: 'l1', action: 'resync', tables: [] }),
  told('schema_synced', { command_id: 's1', applied: [], skipped: [], failed: [], stale: [] }),
  told('structure_compared', { pending: 2, objects: ['public.users.age'] }),
  told('structure_followed', { made: ['add_column public.users.age'], by: 'stream' }),
  told('tables_appeared', { tables: [ordersTable] }),
  told('tables_moved', { tables: [{ table: ordersTable.source, to: null }] }),
  told('table_state_changed', { table: 'public.users', status: 'running' }),
  told('source_rebuilt', { command_id: 'r1', ...REBUILT }),
  told('position_restarted', { command_id: 'r2', start_lsn: '0/99', tables: 1 }),
].map((event) => record(event));

/** Of a mirror that runs and whose tables do, too. */
const TABLE_WISHES = {
  retry_table: 'conflict',
  resync: 'ok',
  resync_table: 'ok',
  change_tables: 'ok',
  sync_schema: 'ok',
};
const NO_TABLE_WISHES = {
  retry_table: 'conflict',
  resync: 'conflict',
  resync_table: 'conflict',
  change_tables: 'conflict',
  sync_schema: 'conflict',
};

const REBUILD_WISHES = { ...NO_TABLE_WISHES, sync_schema: 'ok' };

/** What each wish comes to in each state: `ok`, or the reason of the refusal. */
const ALLOWED: Readonly<
  Record<keyof typeof HISTORIES, Partial<Record<keyof typeof WISHES, string>>>
> = {
  absent: all('not_found', { create: 'ok' }),
  created: { pause: 'ok', resume: 'conflict', retry: 'conflict', delete: 'ok', ...NO_TABLE_WISHES },
  provisioning: {
    pause: 'ok',
    resume: 'conflict',
    retry: 'conflict',
    delete: 'ok',
    ...NO_TABLE_WISHES,
  },
  preparing: {
    pause: 'ok',
    resume: 'conflict',
    retry: 'conflict',
    delete: 'ok',
    ...NO_TABLE_WISHES,
  },
  setup_waiting: { pause: 'ok', resume: 'conflict', retry: 'ok', delete: 'ok', ...NO_TABLE_WISHES },
  setup_stuck: { pause: 'ok', resume: 'conflict', retry: 'ok', delete: 'ok', ...NO_TABLE_WISHES },
  prepared: {
    pause: 'ok',
    resume: 'conflict',
    retry: 'conflict',
    delete: 'ok',
    ...TABLE_WISHES,
    resync: 'conflict',
    resync_table: 'conflict',
  },
  copying: {
    pause: 'ok',
    resume: 'conflict',
    retry: 'conflict',
    delete: 'ok',
    ...TABLE_WISHES,
    resync: 'conflict',
    resync_table: 'conflict',
  },
  running: { pause: 'ok', resume: 'conflict', retry: 'conflict', delete: 'ok', ...TABLE_WISHES },
  building: { pause: 'ok', resume: 'conflict', retry: 'conflict', delete: 'ok', ...TABLE_WISHES },
  troubled: {
    pause: 'ok',
    resume: 'conflict',
    retry: 'ok',
    delete: 'ok',
    ...TABLE_WISHES,
    resync: 'conflict',
    resync_table: 'conflict',
  },
  paused_in_setup: {
    pause: 'conflict',
    resume: 'ok',
    retry: 'conflict',
    delete: 'ok',
    ...NO_TABLE_WISHES,
  },
  paused: {
    pause: 'conflict',
    resume: 'ok',
    retry: 'conflict',
    delete: 'ok',
    ...NO_TABLE_WISHES,
    sync_schema: 'ok',
  },
  settling: {
    pause: 'conflict',
    resume: 'conflict',
    retry: 'conflict',
    delete: 'ok',
    ...NO_TABLE_WISHES,
  },
  terminating: {
    pause: 'conflict',
    resume: 'conflict',
    retry: 'conflict',
    delete: 'ok',
    ...NO_TABLE_WISHES,
  },
  terminating_waiting: {
    pause: 'conflict',
    resume: 'conflict',
    retry: 'ok',
    delete: 'ok',
    ...NO_TABLE_WISHES,
  },
  dropped: all('not_found', { create: 'conflict' }),
  editing: {
    pause: 'ok',
    delete: 'ok',
    ...TABLE_WISHES,
    resync: 'conflict',
    change_tables: 'conflict',
  },
  publishing: { ...TABLE_WISHES, resync: 'conflict', change_tables: 'conflict' },
  edit_waiting: { retry: 'ok', ...TABLE_WISHES, resync: 'conflict', change_tables: 'ok' },
  letting_go: {
    ...TABLE_WISHES,
    retry_table: 'not_found',
    resync: 'conflict',
    resync_table: 'not_found',
    change_tables: 'conflict',
  },
  held: { ...TABLE_WISHES, retry_table: 'ok' },
  resyncing: {
    ...TABLE_WISHES,
    resync: 'conflict',
    resync_table: 'conflict',
    change_tables: 'conflict',
  },
  resyncing_table: { ...TABLE_WISHES, resync_table: 'conflict' },
  syncing: { ...TABLE_WISHES, sync_schema: 'conflict' },
  lost: { retry: 'ok', ...TABLE_WISHES, resync_table: 'conflict' },
  lost_in_copy: { retry: 'ok', ...TABLE_WISHES, resync_table: 'conflict' },
  rebuilding: { pause: 'ok', retry: 'conflict', delete: 'ok', ...REBUILD_WISHES },
  rebuild_waiting: { pause: 'ok', retry: 'ok', ...REBUILD_WISHES, resync: 'ok' },
  restarting: { pause: 'ok', delete: 'ok', ...REBUILD_WISHES },
  paused_in_rebuild: { resume: 'ok', ...NO_TABLE_WISHES, sync_schema: 'ok' },
  terminating_rebuild: { delete: 'ok', ...NO_TABLE_WISHES },
  restarted: {
    ...TABLE_WISHES,
    resync: 'conflict',
    resync_table: 'conflict',
    change_tables: 'conflict',
  },
  paused_in_edit: { resume: 'ok', ...NO_TABLE_WISHES, sync_schema: 'ok' },
  terminating_edit: { delete: 'ok', ...NO_TABLE_WISHES },
};

function all(reason: string, others: Readonly<Record<string, string>>) {
  const wishes = [
    ...['pause', 'resume', 'retry', 'delete', 'force', 'change_options'],
    ...Object.keys(TABLE_WISHES),
  ];
  return { ...Object.fromEntries(wishes.map((wish) => [wish, reason])), ...others };
}

describe.each(Object.entries(HISTORIES))('a mirror that is %s', (name, history) => {
  const state = stateAfter(history);
  const allowed: Readonly<Record<string, string>> =
    Object.entries(ALLOWED).find(([known]) => known === name)?.[1] ?? {};

  it.each(Object.entries(WISHES))('judges %s as the table says', (wish, command) => {
    const outcome = when(history, command);
    const expected = allowed[wish];
    if (expected !== undefined) expect(outcome.refused ?? 'ok').toBe(expected);
  });

  it('takes every command and every word of a worker, and stays whole', () => {
    for (const command of [...Object.values(WISHES), ...TOLD]) {
      const outcome = when(history, command);
      const after = stateAfter([...history, ...outcome.events]);
      expect(MIRROR_STATUSES).toContain(mirrorStatus(after));
      expect(mirrorPhase(after)).not.toBe('');
      for (const event of outcome.events) {
        expect(isMirrorEventType(event.type)).toBe(true);
        expect(() => logLineOf(event)).not.toThrow();
      }
      const isOver = after.tag === 'absent' || after.tag === 'dropped';
      expect(desiredSpecOf(after, peers) === null).toBe(isOver || after.tag === 'terminating');
      // In a set-up one step is under way at a time: it waits either for an answer or for its next try.
      if (outstandingSince(after) !== null && after.tag === 'setting_up') {
        expect(nextWakeAt(after)).toBeNull();
      }
    }
  });

  it('hears a delete and comes to its end when everything is answered', () => {
    if (state.tag === 'absent' || state.tag === 'dropped') return;
    const log = [...history, ...when(history, WISHES.force).events];
    for (let round = 0; round < 5 && stateAfter(log).tag !== 'dropped'; round += 1) {
      const open = stateAfter(log);
      if (open.tag !== 'terminating') break;
      for (const { commandId } of open.settling) {
        const body = { command_id: commandId, failure: failure() };
        log.push(...when(log, record(told('command_failed', body))).events);
      }
      for (const [verb, work] of Object.entries(open.steps)) {
        if (work.tag !== 'outstanding') continue;
        const body = { command_id: work.commandId, left: [], dropped: [] };
        const type = DONE_EVENT[verb];
        if (type) log.push(...when(log, record(told(type, body))).events);
      }
    }
    expect(stateAfter(log).tag).toBe('dropped');
  });
});

const DONE_EVENT: Readonly<
  Record<string, 'source_cleaned' | 'destination_cleaned' | 'tables_dropped'>
> = {
  clean_source: 'source_cleaned',
  clean_destination: 'destination_cleaned',
  drop_tables: 'tables_dropped',
};

describe('the words of the contract', () => {
  it.each([
    ['created', 'created'],
    ['provisioning', 'setting_up'],
    ['preparing', 'setting_up'],
    ['setup_waiting', 'error'],
    ['prepared', 'setting_up'],
    ['copying', 'snapshotting'],
    ['running', 'running'],
    ['troubled', 'error'],
    ['paused', 'paused'],
    ['paused_in_setup', 'paused'],
    ['settling', 'terminating'],
    ['terminating', 'terminating'],
    ['editing', 'running'],
    ['edit_waiting', 'running'],
    ['held', 'running'],
    ['resyncing', 'resyncing'],
    ['resyncing_table', 'running'],
    ['syncing', 'syncing_schema'],
    ['lost', 'error'],
    ['rebuilding', 'resyncing'],
    ['rebuild_waiting', 'error'],
    ['restarting', 'resyncing'],
    ['restarted', 'resyncing'],
  ] as const)('a mirror that is %s has the status %s', (name, status) => {
    expect(mirrorStatus(stateAfter(HISTORIES[name]))).toBe(status);
  });

  it('a mirror that does not copy streams as soon as its slot exists', () => {
    const body = {
      ...createdBody,
      options: { ...createdBody.options, do_initial_snapshot: false },
    };
    const [, ...rest] = HISTORIES.prepared;
    expect(mirrorStatus(stateAfter([{ type: 'mirror_created', body }, ...rest]))).toBe('running');
  });
});

const HOLDING = [
  ...(['created', 'preparing', 'paused', 'paused_in_setup'] as const),
  ...(['rebuilding', 'rebuild_waiting', 'restarting'] as const),
];

describe('the spec', () => {
  it('says run only while the mirror streams, and carries the identity of the source', () => {
    const spec = desiredSpecOf(stateAfter(HISTORIES.running), peers);
    expect(spec).toMatchObject({
      id: 'm1',
      generation: 2,
      desired: 'run',
      source_identity: { start_lsn: '0/10' },
      source: { name: 'src' },
    });
    for (const name of HOLDING) {
      expect(desiredSpecOf(stateAfter(HISTORIES[name]), peers)?.desired).toBe('hold');
    }
  });

  it('grows a generation with every change that workers have to see', () => {
    const generationAfter = (command: MirrorCommand): number => {
      const log = [...HISTORIES.running, ...when(HISTORIES.running, command).events];
      const state = stateAfter(log);
      if (state.tag === 'absent') throw new Error('unreachable');
      return commandSpecOf(state, peers).generation;
    };
    expect(generationAfter(WISHES.pause)).toBe(3);
    expect(generationAfter(WISHES.change_options)).toBe(3);
    expect(generationAfter(WISHES.note_peer_changed)).toBe(3);
    expect(generationAfter(record(told('session_started', { generation: 2 })))).toBe(2);
  });

  it('a command of the clean-up still has one', () => {
    const state = stateAfter(HISTORIES.terminating);
    expect(state.tag !== 'absent' && commandSpecOf(state, peers).slot_name).toBe('bunny_m1');
  });
});
