import { describe, expect, it } from 'vitest';
import { commandOf } from '../src/core/mirror/command-of.js';
import { logLineOf } from '../src/core/mirror/mirror-log-line.js';
import type { MirrorEvent } from '../src/core/mirror/mirror-event.js';
import { mirrorStatus } from '../src/core/mirror/mirror-status.js';
import {
  HISTORIES,
  LATER,
  NOW,
  createdBody,
  failure,
  peer,
  record,
  resyncRequested,
  started,
  stateAfter,
  tableState,
  told,
  when,
} from './mirror-examples.js';

const types = (events: readonly MirrorEvent[]) => events.map((event) => event.type);
const peers = { source: peer('src'), destination: peer('dst') };
const isNow = (status: 'running' | 'copying' | 'error' | 'resyncing') =>
  record(told('table_state_changed', { table: 'public.users', status }));

function lanesCommand(history: readonly MirrorEvent[]) {
  const state = stateAfter(history);
  if (state.tag === 'absent') throw new Error('unreachable');
  return commandOf(state, peers, { verb: 'change_lanes', commandId: 'x', force: false })?.body;
}

describe('a held table', () => {
  it('is retried by its source or destination name', () => {
    const { events, effects } = when(HISTORIES.held, {
      type: 'retry_table',
      table: 'public.users',
    });
    expect(types(events)).toEqual(['table_retried', 'step_started']);
    expect(effects).toMatchObject([{ type: 'command', verb: 'change_lanes' }]);
    expect(lanesCommand([...HISTORIES.held, ...events])).toMatchObject({
      wish: { action: 'retry' },
      tables: ['public.users'],
    });
  });

  it('leaves out one transaction when that is asked for', () => {
    const wish = { type: 'retry_table', table: 'public.users', skipLsn: '0/AB' } as const;
    const { events } = when(HISTORIES.held, wish);
    expect(events).toMatchObject([
      { type: 'table_skip_requested', body: { table: 'public.users', commit_lsn: '0/AB' } },
      {},
    ]);
    expect(lanesCommand([...HISTORIES.held, ...events])).toMatchObject({
      wish: { action: 'skip', commit_lsn: '0/AB' },
    });
  });

  it('leaves it out also when that is asked for while it tries again, when there is nothing to retry', () => {
    const trying = [...HISTORIES.held, tableState('public.users', 'catching_up')];
    const retry = { type: 'retry_table', table: 'public.users' } as const;
    expect(types(when(trying, { ...retry, skipLsn: '0/AB' }).events)).toContain(
      'table_skip_requested',
    );
    expect(when(trying, retry).refused).toBe('conflict');
  });

  it('has nothing to retry once it runs again', () => {
    const after = [...HISTORIES.held, tableState('public.users', 'running')];
    const outcome = when(after, { type: 'retry_table', table: 'public.users' });
    expect(outcome.refused).toBe('conflict');
    const unknown = when(HISTORIES.held, { type: 'retry_table', table: 'public.nothing' });
    expect(unknown.refused).toBe('not_found');
  });

  it('back from being held has its structure already', () => {
    expect(types(when(HISTORIES.held, isNow('running')).events)).toEqual(['table_state_changed']);
  });
});

describe('a hold', () => {
  const hold = { type: 'hold_table', table: 'public.users' } as const;

  it('is asked of the lane of one table, and once', () => {
    const { events } = when(HISTORIES.running, hold);
    expect(types(events)).toEqual(['table_hold_requested', 'step_started']);
    expect(lanesCommand([...HISTORIES.running, ...events])).toMatchObject({
      wish: { action: 'hold' },
      tables: ['public.users'],
    });
    expect(when(HISTORIES.held, hold).refused).toBe('conflict');
    const unknown = when(HISTORIES.running, { ...hold, table: 'public.nothing' });
    expect(unknown.refused).toBe('not_found');
  });

  it('is refused while the table is copied, and where nothing streams', () => {
    const resyncing = [...HISTORIES.running, resyncRequested('public.users')];
    for (const history of [resyncing, HISTORIES.copying, HISTORIES.paused]) {
      expect(when(history, hold).refused).toBe('conflict');
    }
  });
});

describe('a resync', () => {
  it('of a table leaves the mirror running and tells the lane how', () => {
    const wish = { type: 'resync', table: 'public.users', strategy: 'swap', now: NOW } as const;
    const { events } = when(HISTORIES.running, wish);
    expect(mirrorStatus(stateAfter([...HISTORIES.running, ...events]))).toBe('running');
    expect(lanesCommand([...HISTORIES.running, ...events])).toMatchObject({
      wish: { action: 'resync', strategy: 'swap', together: false },
      tables: ['public.users'],
    });
  });

  it('of all swaps them together, with the strategy of the mirror unless another is asked for', () => {
    const { events } = when(HISTORIES.running, { type: 'resync', now: NOW });
    expect(lanesCommand([...HISTORIES.running, ...events])).toMatchObject({
      wish: { action: 'resync', strategy: 'truncate', together: true },
      tables: [],
    });
  });

  it('is over when every table is back, and then the structure is built again', () => {
    const { events, effects } = when(HISTORIES.resyncing, isNow('running'));
    expect(types(events)).toEqual([
      'table_state_changed',
      'tables_joined',
      'resync_finished',
      'step_started',
    ]);
    expect(effects).toMatchObject([{ verb: 'build_structure' }]);
    const state = stateAfter([...HISTORIES.resyncing, ...events]);
    expect(mirrorStatus(state)).toBe('running');
  });

  it('is not over because of a word from before the applier took it up', () => {
    const asked = [...HISTORIES.running, resyncRequested(), started('change_lanes', 'l1')];
    const { events } = when(asked, isNow('running'));
    expect(types(events)).toEqual(['table_state_changed']);
    expect(mirrorStatus(stateAfter([...asked, ...events]))).toBe('resyncing');
  });

  it('does not wait for a table that needs a person', () => {
    const { events } = when(HISTORIES.resyncing, isNow('error'));
    expect(types(events)).toEqual(['table_state_changed', 'resync_finished']);
    const [, finished] = events;
    expect(finished && logLineOf(finished)).toMatchObject({
      level: 'warn',
      message: 'resync finished but for 1 of the tables',
    });
    const back = when([...HISTORIES.resyncing, ...events], isNow('running'));
    expect(types(back.events)).toContain('tables_joined');
  });

  it('is given up, and not in the way of others, when the applier refuses it', () => {
    const asked = [...HISTORIES.running, resyncRequested(), started('change_lanes', 'l1')];
    const refusal = told('command_failed', { command_id: 'l1', failure: failure('retry_manual') });
    const { events } = when(asked, record(refusal));
    const after = [...asked, ...events];
    expect(mirrorStatus(stateAfter(after))).toBe('running');
    expect(when(after, { type: 'resync', now: NOW }).refused).toBeUndefined();
  });

  it('that cannot be told is told again later, and those behind it wait', () => {
    const asked = [...HISTORIES.held, resyncRequested(), started('change_lanes', 'l1')];
    const failed = when(
      asked,
      record(told('command_failed', { command_id: 'l1', failure: failure() })),
    );
    const waiting = [...asked, ...failed.events];
    const retry = when(waiting, { type: 'retry_table', table: 'public.users' });
    expect(retry.effects).toEqual([]);
    const queue = [...waiting, ...retry.events];
    const again = when(queue, { type: 'tick', now: LATER });
    expect(lanesCommand([...queue, ...again.events])).toMatchObject({ wish: { action: 'resync' } });
    const told1 = told('lanes_changed', { command_id: 'n1', action: 'resync', tables: [] });
    const next = when([...queue, ...again.events], record(told1));
    expect(next.effects).toMatchObject([{ verb: 'change_lanes' }]);
    expect(lanesCommand([...queue, ...again.events, ...next.events])).toMatchObject({
      wish: { action: 'retry' },
    });
  });

  it('is waited for by a delete until the applier has answered, so that no wish is left behind', () => {
    const asked = [...HISTORIES.running, resyncRequested(), started('change_lanes', 'l1')];
    const deleted = when(asked, { type: 'delete', dropTables: false, force: false });
    expect(deleted.effects).toMatchObject([{ type: 'publish_spec' }]);
    const answer = told('lanes_changed', { command_id: 'l1', action: 'resync', tables: [] });
    const settled = when([...asked, ...deleted.events], record(answer));
    expect(settled.effects).toMatchObject([
      { verb: 'clean_source' },
      { verb: 'clean_destination' },
    ]);
  });
});

describe('the history', () => {
  it('says how long a step was under way, and names what is wrong with a table', () => {
    const later = new Date(NOW.getTime() + 2_500);
    const answer = told('lanes_changed', { command_id: 'l1', action: 'resync', tables: [] });
    const command = { type: 'record', event: answer, now: later, random: 0 } as const;
    const [event] = when(HISTORIES.resyncing_table, command).events;
    expect(event).toMatchObject({ body: { step_seconds: 2.5 } });
    expect(event && logLineOf(event)).toMatchObject({ details: { seconds: 2.5 } });
    expect(logLineOf(tableState('public.users', 'held', failure()))).toMatchObject({
      level: 'error',
      category: 'error',
      message: 'table public.users is held: the source cannot be reached',
    });
    const left = tableState('public.users', 'error', failure(), { is_left_behind: true });
    expect(logLineOf(left)).toMatchObject({
      message:
        'table public.users is in error: the source cannot be reached; the others are swapped without it',
    });
    const onHold = { ...failure('retry_manual'), kind: 'table_on_hold' } as const;
    expect(logLineOf(tableState('public.users', 'held', onHold))).toMatchObject({
      level: 'info',
      category: 'user',
      message: 'table public.users is held on request',
    });
    expect(logLineOf(tableState('public.users', 'catching_up'))?.message).toBe(
      'table public.users is catching up',
    );
  });
});

describe('a sync of the schema', () => {
  it('is one step with what was chosen, also while the mirror is paused', () => {
    const wishes = { changes: ['c1'], allow_destructive: true };
    for (const history of [HISTORIES.running, HISTORIES.paused]) {
      const { events, effects } = when(history, { type: 'sync_schema', wishes });
      expect(types(events)).toContain('schema_sync_requested');
      expect(effects).toContainEqual(expect.objectContaining({ verb: 'sync_schema' }));
      const state = stateAfter([...history, ...events]);
      if (state.tag === 'absent') throw new Error('unreachable');
      const step = { verb: 'sync_schema', commandId: 'n1', force: false } as const;
      expect(commandOf(state, peers, step)).toMatchObject({
        body: { ...wishes, spec: { tables: createdBody.tables } },
      });
    }
  });

  it('ends with its first failure, since a person decides anew', () => {
    const failed = told('command_failed', { command_id: 's1', failure: failure() });
    const { events } = when(HISTORIES.syncing, record(failed));
    expect(events).toMatchObject([{ type: 'step_failed', body: { next_retry_at: null } }]);
    expect(mirrorStatus(stateAfter([...HISTORIES.syncing, ...events]))).toBe('running');
  });

  it('that was lost with the queue is sent again', () => {
    const { effects } = when(HISTORIES.syncing, { type: 'note_lost', commandId: 's1' });
    expect(effects).toMatchObject([{ verb: 'sync_schema' }]);
  });
});
