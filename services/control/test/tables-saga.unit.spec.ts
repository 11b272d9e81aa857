import { describe, expect, it } from 'vitest';
import type { TablePattern } from '@bunnydb/contracts';
import type { MirrorCommand } from '../src/core/mirror/mirror-command.js';
import { commandOf } from '../src/core/mirror/command-of.js';
import type { MirrorEvent } from '../src/core/mirror/mirror-event.js';
import { commandSpecOf } from '../src/core/mirror/mirror-spec-of.js';
import {
  HISTORIES,
  LATER,
  changeRequested,
  createdBody,
  failure,
  ordersTable,
  paused,
  peer,
  published,
  record,
  resumed,
  started,
  stateAfter,
  stepFailed,
  tableState,
  tablesChanged,
  told,
  when,
} from './mirror-examples.js';

const types = (events: readonly MirrorEvent[]) => events.map((event) => event.type);
const peers = { source: peer('src'), destination: peer('dst') };
const change = (over: Partial<Extract<MirrorCommand, { type: 'change_tables' }>> = {}) =>
  ({
    type: 'change_tables',
    tables: [...createdBody.tables, ordersTable],
    patterns: [],
    basis: createdBody.tables,
    dropRemoved: false,
    ...over,
  }) as const satisfies MirrorCommand;
const answered = told('publication_changed', {
  command_id: 'e2',
  added: ['public.orders'],
  removed: [],
});

function commandFor(history: readonly MirrorEvent[], verb: 'change_publication' | 'drop_tables') {
  const state = stateAfter(history);
  if (state.tag === 'absent') throw new Error('unreachable');
  return commandOf(state, peers, { verb, commandId: 'x', force: false });
}

describe('a change of the tables', () => {
  it('makes the new tables first, then alters the publication, then the mirror has them', () => {
    const asked = when(HISTORIES.running, change());
    expect(asked.events).toMatchObject([
      { type: 'tables_change_requested', body: { added: ['public.orders'], removed: [] } },
      { type: 'step_started', body: { verb: 'provision_tables' } },
    ]);
    const made = told('tables_provisioned', { command_id: 'e1', created: [], existing: [] });
    const next = when(HISTORIES.editing, record(made));
    expect(next.effects).toMatchObject([{ type: 'command', verb: 'change_publication' }]);
    const done = when(HISTORIES.publishing, record(answered));
    expect(types(done.events)).toEqual(['publication_changed', 'tables_changed']);
    expect(done.effects).toEqual([{ type: 'publish_spec', mirrorId: 'm1', generation: 3 }]);
    expect(stateAfter([...HISTORIES.publishing, ...done.events])).toMatchObject({
      mirror: { generation: 3, tables: [...createdBody.tables, ordersTable] },
      edit: undefined,
    });
  });

  it('carries the wanted tables in its commands, and those of before in the spec until it is done', () => {
    const state = stateAfter(HISTORIES.publishing);
    expect(state.tag !== 'absent' && commandSpecOf(state, peers).tables).toHaveLength(1);
    expect(commandFor(HISTORIES.publishing, 'change_publication')?.body.spec).toMatchObject({
      desired: 'run',
      tables: [{}, { source: { table: 'orders' } }],
    });
  });

  it('has the structure of new tables built once all of them stream', () => {
    const history = [
      ...HISTORIES.building,
      ...HISTORIES.publishing.slice(HISTORIES.running.length),
      published('e2'),
      tablesChanged(),
      tableState('public.orders', 'copying'),
      tableState('public.orders', 'catching_up'),
    ];
    const joined = told('table_state_changed', { table: 'public.orders', status: 'running' });
    const { events, effects } = when(history, record(joined));
    expect(types(events)).toEqual(['table_state_changed', 'tables_joined']);
    // It is being built already, so it is built once more when that is done.
    expect(effects).toEqual([]);
    const built = told('structure_built', {
      command_id: 'b1',
      built_count: 0,
      built: [],
      skipped_count: 0,
      skipped: [],
      failed_count: 0,
      failed: [],
      seconds: 0,
    });
    const again = when([...history, ...events], record(built));
    expect(again.effects).toMatchObject([{ verb: 'build_structure' }]);
  });

  it('drops tables that left when an applier knows that they did', () => {
    const { effects } = when(
      HISTORIES.letting_go,
      record(told('session_started', { generation: 2 })),
    );
    expect(effects).toEqual([]);
    const capture = { service: 'capture', instance: 'c' } as const;
    const other = told('session_started', { generation: 3 }, capture);
    expect(when(HISTORIES.letting_go, record(other)).effects).toEqual([]);
    const known = when(HISTORIES.letting_go, record(told('session_started', { generation: 3 })));
    expect(known.effects).toMatchObject([{ type: 'command', verb: 'drop_tables' }]);
    const history = [...HISTORIES.letting_go, ...known.events];
    expect(commandFor(history, 'drop_tables')?.body.spec.tables).toEqual(createdBody.tables);
    const dropped = told('tables_dropped', { command_id: 'n1', dropped: [], left: [] });
    const end = when(history, record(dropped));
    expect(stateAfter([...history, ...end.events])).toMatchObject({ edit: undefined });
  });

  it('keeps the destination tables unless it is asked to drop them', () => {
    const { events } = when(HISTORIES.running, change({ tables: [ordersTable] }));
    const history = [
      ...HISTORIES.running,
      ...events,
      {
        type: 'tables_provisioned',
        body: { command_id: 'n1', created: [], existing: [], service: 'schema', instance: 's' },
      },
      started('change_publication', 'e2'),
    ] as const satisfies readonly MirrorEvent[];
    const done = when(history, record(answered));
    expect(stateAfter([...history, ...done.events])).toMatchObject({
      edit: undefined,
      mirror: { tables: [ordersTable] },
    });
  });

  it('that fails waits and is tried again by the clock and by retry', () => {
    const failed = told('command_failed', { command_id: 'e2', failure: failure() });
    const { events } = when(HISTORIES.publishing, record(failed));
    expect(events).toMatchObject([{ body: { verb: 'change_publication', failures: 1 } }]);
    for (const command of [{ type: 'tick', now: LATER } as const, { type: 'retry' } as const]) {
      const again = when(HISTORIES.edit_waiting, command);
      expect(again.effects.at(-1)).toMatchObject({ verb: 'change_publication' });
    }
  });

  it('that waits can be replaced, even by the tables of before', () => {
    const { events, effects } = when(
      HISTORIES.edit_waiting,
      change({ tables: createdBody.tables }),
    );
    expect(types(events)).toEqual(['tables_change_requested', 'step_started']);
    expect(effects).toMatchObject([{ verb: 'provision_tables' }]);
    expect(when(HISTORIES.running, change({ tables: createdBody.tables })).events).toEqual([]);
  });

  it('that replaces one which had tables to drop drops them still, unless they come back', () => {
    const basis = [ordersTable];
    const kept = when(
      HISTORIES.letting_go,
      change({ basis, tables: [ordersTable, ...createdBody.tables] }),
    );
    expect(stateAfter([...HISTORIES.letting_go, ...kept.events])).toMatchObject({
      edit: { dropping: [] },
    });
    const unknown = when(HISTORIES.letting_go, change({ basis, tables: [ordersTable] }));
    expect(stateAfter([...HISTORIES.letting_go, ...unknown.events])).toMatchObject({
      edit: { dropping: createdBody.tables },
    });
  });

  it('is refused when the tables are not those that were checked, or a mapping differs', () => {
    expect(when(HISTORIES.running, change({ basis: [ordersTable] })).refused).toBe('conflict');
    const elsewhere = { schema: 'elsewhere', table: 'users' };
    const tables = createdBody.tables.map((table) => ({ ...table, destination: elsewhere }));
    expect(when(HISTORIES.running, change({ tables })).refused).toBe('conflict');
  });

  it('hears a pause, goes on after it, and hears a delete that leaves nothing of it', () => {
    const done = when(HISTORIES.paused_in_edit, record(answered));
    expect(done.effects).toMatchObject([{ type: 'publish_spec' }]);
    const waiting = [...HISTORIES.editing, paused];
    const made = told('tables_provisioned', { command_id: 'e1', created: [], existing: [] });
    const during = when(waiting, record(made));
    expect(during.effects).toEqual([]);
    const after = when([...waiting, ...during.events], { type: 'resume' });
    expect(after.effects).toMatchObject([
      { type: 'publish_spec' },
      { type: 'command', verb: 'change_publication' },
    ]);
    expect(stateAfter([...waiting, ...during.events, resumed])).toMatchObject({
      edit: { stage: 'change_publication' },
    });
    // A publication that is altered late would be left behind, and so would the table that was made for the edit.
    const deleted = when(HISTORIES.terminating_edit, record(answered));
    expect(deleted.effects).toMatchObject([
      { verb: 'clean_source' },
      { verb: 'clean_destination' },
    ]);
    const state = stateAfter(HISTORIES.terminating_edit);
    expect(state).toMatchObject({ mirror: { tables: [{}, ordersTable] }, settling: [{}] });
  });
});

describe('tables that appear on the source', () => {
  const pattern = { source_schema: 'public', destination_schema: '*', exclude_columns: [] };
  const patterns = [pattern];
  const running = (schema_changes: 'auto' | 'manual', except?: readonly string[]) =>
    HISTORIES.running.map((event): MirrorEvent =>
      event.type === 'mirror_created'
        ? {
            ...event,
            body: {
              ...event.body,
              patterns: except ? [{ ...pattern, except }] : patterns,
              options: { ...event.body.options, schema_changes },
            },
          }
        : event,
    );
  const appeared = record(told('tables_appeared', { tables: [ordersTable] }));

  it('join by an edit of their own when they fit a pattern', () => {
    const { events, effects } = when(running('auto'), appeared);
    expect(events).toMatchObject([
      { type: 'tables_appeared' },
      {
        type: 'tables_change_requested',
        body: { added: ['public.orders'], asked_by: 'source', patterns },
      },
      { type: 'step_started' },
    ]);
    expect(effects).toMatchObject([{ verb: 'provision_tables' }]);
    const after = [...running('auto'), ...events];
    expect(types(when(after, appeared).events)).toEqual(['tables_appeared']);
    const state = stateAfter(after);
    expect(state.tag !== 'absent' && commandSpecOf(state, peers).patterns).toEqual(patterns);
  });

  it.each([
    ['the mirror has no pattern', HISTORIES.running],
    ['changes of structure are for people to make', running('manual')],
    ['the patterns do not stand for them any more', running('auto', ['public.ord*'])],
  ])('are only told when %s', (_reason, history) => {
    expect(types(when(history, appeared).events)).toEqual(['tables_appeared']);
  });

  it('are stood for by the same patterns, in whatever order the store has their members, without an edit', () => {
    const same = { exclude_columns: [], destination_schema: '*', source_schema: 'public' };
    const asked = (wanted: readonly TablePattern[]) =>
      when(running('auto'), change({ tables: createdBody.tables, patterns: wanted })).events;
    expect(asked([same])).toEqual([]);
    expect(types(asked([{ ...same, except: ['public.log_*'] }]))).toEqual([
      'tables_change_requested',
      'step_started',
    ]);
  });

  it('wait for an edit that is under way', () => {
    const users = {
      type: 'tables_change_requested',
      body: { ...changeRequestBody(), tables: createdBody.tables, patterns },
    } as const satisfies MirrorEvent;
    const editing = [...running('auto'), users, started('provision_tables', 'e1')];
    const during = when(editing, appeared);
    expect(types(during.events)).toEqual(['tables_appeared']);
    const publishing = [
      ...editing,
      ...during.events,
      {
        type: 'tables_provisioned',
        body: { command_id: 'e1', created: [], existing: [], service: 'schema', instance: 's' },
      },
      started('change_publication', 'e2'),
    ] as const satisfies readonly MirrorEvent[];
    const done = when(publishing, record(answered));
    expect(types(done.events)).toEqual([
      'publication_changed',
      'tables_changed',
      'tables_change_requested',
      'step_started',
    ]);
  });
});

function changeRequestBody() {
  const event = changeRequested();
  if (event.type !== 'tables_change_requested') throw new Error('unreachable');
  return event.body;
}

it('a failure of one edit is not taken for a failure of the next', () => {
  const history = [...HISTORIES.edit_waiting, changeRequested(), started('provision_tables', 'e3')];
  expect(stateAfter([...history, stepFailed('change_publication', 'e2')])).toMatchObject({
    edit: { stage: 'provision_tables', work: { tag: 'outstanding' } },
  });
});
