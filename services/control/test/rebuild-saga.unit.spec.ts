import { describe, expect, it } from 'vitest';
import { commandOf } from '../src/core/mirror/command-of.js';
import { logLineOf } from '../src/core/mirror/mirror-log-line.js';
import type { MirrorEvent, StepVerb } from '../src/core/mirror/mirror-event.js';
import { desiredSpecOf } from '../src/core/mirror/mirror-spec-of.js';
import { currentFailure, mirrorPhase, mirrorStatus } from '../src/core/mirror/mirror-status.js';
import {
  CAPTURE,
  HISTORIES,
  LATER,
  NOW,
  ORIGIN,
  REBUILT,
  createdBody,
  failure,
  lost,
  ordersTable,
  peer,
  published,
  record,
  rebuildRequested,
  rebuilt,
  restarted,
  resyncRequested,
  sessionFailed,
  started,
  stateAfter,
  stepFailed,
  tableState,
  told,
  when,
} from './mirror-examples.js';

const types = (events: readonly MirrorEvent[]) => events.map((event) => event.type);
const peers = { source: peer('src'), destination: peer('dst') };
const RESYNC = { type: 'resync', strategy: 'swap', now: NOW } as const;
const sourceRebuilt = (command_id: string) =>
  record(told('source_rebuilt', { command_id, ...REBUILT }, CAPTURE));
const positionRestarted = (command_id: string) =>
  record(told('position_restarted', { command_id, start_lsn: '0/99', tables: 1 }));
const desired = (history: readonly MirrorEvent[]) =>
  desiredSpecOf(stateAfter(history), peers)?.desired;

function commandIn(history: readonly MirrorEvent[], verb: StepVerb) {
  const state = stateAfter(history);
  if (state.tag === 'absent') throw new Error('unreachable');
  return commandOf(state, peers, { verb, commandId: 'x', force: false });
}

describe('a mirror that has lost its slot', () => {
  it('stays in error, whatever time passes and whatever is told, until a person decides', () => {
    const later = [
      { type: 'tick', now: LATER } as const,
      { type: 'note_peer_changed', peer: 'src' } as const,
      { type: 'retry' } as const,
      record(told('session_failed', { failure: failure('stop'), attempt: 2, next_retry_at: null })),
    ];
    for (const command of later) {
      const { events } = when(HISTORIES.lost, command);
      expect(mirrorStatus(stateAfter([...HISTORIES.lost, ...events]))).toBe('error');
      expect(types(events)).not.toContain('rebuild_requested');
      expect(types(events)).not.toContain('step_started');
    }
    expect(currentFailure(stateAfter(HISTORIES.lost))).toMatchObject({
      failure: { kind: 'slot_missing' },
      nextRetryAt: null,
    });
  });

  it('is put on hold by a resync, before its source is made anew', () => {
    const { events, effects } = when(HISTORIES.lost, RESYNC);
    expect(events).toMatchObject([
      { type: 'rebuild_requested', body: { number: 1, strategy: 'swap', because: 'slot_missing' } },
      { type: 'step_started', body: { verb: 'rebuild_source' } },
    ]);
    expect(effects).toMatchObject([
      { type: 'publish_spec' },
      { type: 'command', verb: 'rebuild_source' },
    ]);
    const after = [...HISTORIES.lost, ...events];
    expect(desired(after)).toBe('hold');
    expect(mirrorStatus(stateAfter(after))).toBe('resyncing');
    expect(mirrorPhase(stateAfter(after))).toBe('making publication, slot and change stream anew');
    expect(commandIn(after, 'rebuild_source')?.body).toMatchObject({
      rebuild: 1,
      spec: { desired: 'hold', source_identity: { system_id: '7' } },
    });
  });

  it.each([
    'slot_missing',
    'slot_invalidated',
    'publication_missing',
    'position_gap',
    'foreign_server',
  ] as const)('or met %s, in capture or in apply, has the same way out', (kind) => {
    for (const origin of [CAPTURE, ORIGIN]) {
      const { events } = when([...HISTORIES.running, lost(kind, origin)], RESYNC);
      expect(events[0]).toMatchObject({ type: 'rebuild_requested', body: { because: kind } });
    }
  });

  it('is rebuilt only for a loss: any other failure leaves the slot alone', () => {
    const { events } = when([...HISTORIES.running, sessionFailed()], RESYNC);
    expect(events[0]?.type).toBe('resync_requested');
  });

  it('during its first copy is not stuck', () => {
    const { events } = when(HISTORIES.lost_in_copy, RESYNC);
    expect(events[0]?.type).toBe('rebuild_requested');
  });

  it('during another resync is not stuck either', () => {
    const history = [...HISTORIES.resyncing, lost()];
    expect(when(history, RESYNC).events[0]?.type).toBe('rebuild_requested');
  });

  it('waits for a change of its tables that is under way', () => {
    expect(when([...HISTORIES.publishing, lost()], RESYNC).refused).toBe('conflict');
  });
});

describe('the rebuild of a source', () => {
  it('leads to the position, with the new identity and the former one', () => {
    const { events, effects } = when(HISTORIES.rebuilding, sourceRebuilt('r1'));
    expect(types(events)).toEqual(['source_rebuilt', 'step_started']);
    expect(effects).toMatchObject([
      { type: 'publish_spec' },
      { type: 'command', verb: 'restart_position' },
    ]);
    const after = [...HISTORIES.rebuilding, ...events];
    expect(desired(after)).toBe('hold');
    expect(commandIn(after, 'restart_position')?.body).toMatchObject({
      rebuild: 1,
      strategy: 'swap',
      former_identity: { system_id: '7', start_lsn: '0/10' },
      spec: { source_identity: { system_id: '8', start_lsn: '0/99' } },
    });
  });

  it('ends with a mirror that runs and is resyncing until every table is back', () => {
    const { events, effects } = when(HISTORIES.restarting, positionRestarted('r2'));
    expect(types(events)).toEqual(['position_restarted']);
    expect(effects).toMatchObject([{ type: 'publish_spec' }]);
    const after = [...HISTORIES.restarting, ...events];
    expect(desired(after)).toBe('run');
    expect(mirrorStatus(stateAfter(after))).toBe('resyncing');
    const running = told('table_state_changed', { table: 'public.users', status: 'running' });
    const back = when(after, record(running));
    expect(types(back.events)).toEqual([
      'table_state_changed',
      'tables_joined',
      'resync_finished',
      'step_started',
    ]);
    const whole = stateAfter([...after, ...back.events]);
    expect(mirrorStatus(whole)).toBe('running');
    expect(currentFailure(whole)).toBeNull();
  });

  it('counts an answer once, and no answer to an earlier command', () => {
    for (const answer of [sourceRebuilt('r1'), sourceRebuilt('r0'), positionRestarted('r1')]) {
      const { events, effects } = when(HISTORIES.restarting, answer);
      expect(effects).toEqual([]);
      expect(stateAfter([...HISTORIES.restarting, ...events])).toEqual(
        stateAfter(HISTORIES.restarting),
      );
    }
    const again = when(HISTORIES.restarted, positionRestarted('r2'));
    expect(again.effects).toEqual([]);
    expect(stateAfter([...HISTORIES.restarted, ...again.events])).toEqual(
      stateAfter(HISTORIES.restarted),
    );
  });

  it('is not over because of what sessions of before tell on their way out', () => {
    const words = [tableState('public.users', 'running'), lost('slot_missing')];
    const after = [...HISTORIES.rebuilding, ...words];
    expect(mirrorStatus(stateAfter(after))).toBe('resyncing');
    const { events } = when(HISTORIES.rebuilding, record(told('session_recovered', {})));
    expect(types(events)).not.toContain('resync_finished');
  });

  it('that fails shows why, waits as the failure says, and goes on with a retry', () => {
    const report = { ...failure('stop'), kind: 'publication_missing' } as const;
    const refusal = told('command_failed', { command_id: 'r1', failure: report }, CAPTURE);
    const { events } = when(HISTORIES.rebuilding, record(refusal));
    const after = [...HISTORIES.rebuilding, ...events];
    expect(mirrorStatus(stateAfter(after))).toBe('error');
    expect(currentFailure(stateAfter(after))).toMatchObject({
      failure: { kind: 'publication_missing' },
      nextRetryAt: null,
    });
    expect(when(after, { type: 'retry' }).effects).toMatchObject([
      { type: 'end_waits' },
      { verb: 'rebuild_source' },
    ]);
    expect(when(after, RESYNC).events).toMatchObject([
      { type: 'rebuild_requested', body: { number: 2, because: 'publication_missing' } },
      { type: 'step_started' },
    ]);
  });

  it('asked for again while the destination is away starts anew, and remembers the source of before', () => {
    const waiting = [...HISTORIES.restarting, stepFailed('restart_position', 'r2')];
    const { events } = when(waiting, RESYNC);
    const log = [...waiting, ...events, started('rebuild_source', 'r3'), rebuilt('r3')];
    expect(commandIn(log, 'restart_position')?.body).toMatchObject({
      rebuild: 2,
      former_identity: { system_id: '7' },
    });
  });

  it('that got lost with the queue is sent again', () => {
    const { events, effects } = when(HISTORIES.rebuilding, { type: 'note_lost', commandId: 'r1' });
    expect(types(events)).toEqual(['step_lost', 'step_started']);
    expect(effects).toMatchObject([{ verb: 'rebuild_source' }]);
  });

  it('takes the place of what was asked of lanes, and keeps everything else waiting', () => {
    const history = [...HISTORIES.running, resyncRequested('public.users'), lost()];
    const { events } = when(history, RESYNC);
    const after = [...history, ...events];
    expect(commandIn(after, 'change_lanes')).toBeUndefined();
    const joined = [
      ...HISTORIES.building,
      lost(),
      rebuildRequested(),
      started('rebuild_source', 'r1'),
    ];
    const lostBuild = when(joined, { type: 'note_lost', commandId: 'b1' });
    expect(types(lostBuild.events)).toEqual(['step_lost']);
  });

  it('lets an edit go on afterwards that waited for the publication', () => {
    const waiting = [
      ...HISTORIES.publishing,
      stepFailed('change_publication', 'e2', null),
      lost('publication_missing'),
    ];
    const asked = [...waiting, ...when(waiting, RESYNC).events];
    expect(types(asked.slice(-1))).toEqual(['step_started']);
    const history = [
      ...asked.slice(0, -1),
      started('rebuild_source', 'r1'),
      rebuilt('r1'),
      started('restart_position', 'r2'),
    ];
    expect(when(history, positionRestarted('r2')).effects).toMatchObject([
      { type: 'publish_spec' },
      { type: 'command', verb: 'change_publication' },
    ]);
    const done = [
      ...history,
      restarted('r2'),
      started('change_publication', 'e3'),
      published('e3'),
    ];
    expect(mirrorStatus(stateAfter(done))).toBe('resyncing');
  });

  it('that waits for a table which cannot be published goes on without it', () => {
    const created = HISTORIES.created[0];
    const body = { ...createdBody, tables: [...createdBody.tables, ordersTable] };
    const waiting = [{ ...created, body }, ...HISTORIES.rebuild_waiting.slice(1)];
    const wish = {
      type: 'change_tables',
      tables: createdBody.tables,
      patterns: [],
      basis: body.tables,
      dropRemoved: false,
    } as const;
    const { events, effects } = when(waiting, wish);
    expect(events).toMatchObject([
      { type: 'tables_changed', body: { removed: ['public.orders'] } },
    ]);
    expect(effects.map(({ type }) => type)).toEqual(['publish_spec']);
    const after = [...waiting, ...events];
    const again = when(after, { type: 'retry' });
    expect(commandIn([...after, ...again.events], 'rebuild_source')?.body).toMatchObject({
      spec: { desired: 'hold', tables: [{ source: { table: 'users' } }] },
    });
    expect(when(waiting, { ...wish, dropRemoved: true }).refused).toBe('conflict');
  });

  it('is heard in a pause and goes on when that ends', () => {
    const { events, effects } = when(HISTORIES.paused_in_rebuild, sourceRebuilt('r1'));
    expect(types(events)).toEqual(['source_rebuilt']);
    expect(effects.map(({ type }) => type)).toEqual(['publish_spec']);
    const after = [...HISTORIES.paused_in_rebuild, ...events];
    expect(desired(after)).toBe('hold');
    const resumed = when(after, { type: 'resume' });
    expect(resumed.effects).toMatchObject([{ type: 'publish_spec' }, { verb: 'restart_position' }]);
    expect(desired([...after, ...resumed.events])).toBe('hold');
  });

  it('is waited for by a delete, which then removes what was made late', () => {
    expect(
      when(HISTORIES.rebuilding, { type: 'delete', dropTables: false, force: false }).effects,
    ).toMatchObject([{ type: 'publish_spec' }]);
    const { effects } = when(HISTORIES.terminating_rebuild, sourceRebuilt('r1'));
    expect(effects).toMatchObject([{ verb: 'clean_source' }, { verb: 'clean_destination' }]);
  });

  it('tells people who asked, why, and where the mirror starts from', () => {
    const lines = [rebuildRequested(), rebuilt('r1'), restarted('r2')].map(logLineOf);
    expect(lines).toMatchObject([
      { level: 'warn', category: 'resync', details: { because: 'slot_missing', strategy: 'swap' } },
      { level: 'info', details: { slot_name: 'bunny_m1', start_lsn: '0/99' } },
      { level: 'info', details: { tables: 1 } },
    ]);
  });
});
