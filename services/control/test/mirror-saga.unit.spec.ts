import { describe, expect, it } from 'vitest';
import type { MirrorEvent } from '../src/core/mirror/mirror-event.js';
import {
  HISTORIES,
  LATER,
  NOW,
  cleaned,
  createdBody,
  deleteAsked,
  failure,
  mirrorCreated,
  paused,
  prepared,
  provisioned,
  record,
  resumed,
  started,
  stateAfter,
  tablesDropped,
  told,
  when,
} from './mirror-examples.js';

const types = (events: readonly MirrorEvent[]) => events.map((event) => event.type);
const source = {
  slot_name: 'bunny_m1',
  publication_name: 'bunny_m1',
  identity: { system_id: '7', database: 'src', start_lsn: '0/10' },
  server_version: 170000,
};

describe('provisioning', () => {
  it('a new mirror publishes its spec and has its tables made', () => {
    const { events, effects } = when([], { type: 'create', body: createdBody });
    expect(types(events)).toEqual(['mirror_created', 'step_started']);
    expect(effects).toEqual([
      { type: 'publish_spec', mirrorId: 'm1', generation: 1 },
      {
        type: 'command',
        mirrorId: 'm1',
        verb: 'provision_tables',
        commandId: 'n1',
        force: false,
      },
    ]);
  });

  it('tables first, then slot and publication', () => {
    const answer = told('tables_provisioned', { command_id: 'c1', created: [], existing: [] });
    const { effects } = when(HISTORIES.provisioning, record(answer));
    expect(effects).toMatchObject([{ type: 'command', verb: 'prepare_source' }]);
  });

  it('the spec says run once the slot exists', () => {
    const answer = told('source_prepared', { command_id: 'c2', ...source });
    const { events, effects } = when(HISTORIES.preparing, record(answer));
    expect(types(events)).toEqual(['source_prepared']);
    expect(effects).toEqual([{ type: 'publish_spec', mirrorId: 'm1', generation: 2 }]);
    expect(stateAfter([...HISTORIES.preparing, ...events])).toMatchObject({ tag: 'streaming' });
  });

  it('an answer that comes twice starts nothing twice', () => {
    const answer = told('tables_provisioned', { command_id: 'c1', created: [], existing: [] });
    const { effects } = when([...HISTORIES.preparing], record(answer));
    expect(effects).toEqual([]);
  });
});

describe('a failed step', () => {
  const answer = told('command_failed', { command_id: 'c1', failure: failure() });

  it('waits with exponential back-off and jitter, and the time is stored', () => {
    const { events, effects } = when(HISTORIES.provisioning, record(answer, 0.5));
    expect(events).toMatchObject([
      { type: 'step_failed', body: { failures: 1, next_retry_at: '2026-01-01T00:00:00.750Z' } },
    ]);
    expect(effects).toEqual([]);
  });

  it('waits longer each time, at most ten minutes', () => {
    const history = [mirrorCreated, started('provision_tables', 'c1', 30)];
    const { events } = when(history, record(answer, 1));
    expect(events).toMatchObject([{ body: { next_retry_at: '2026-01-01T00:10:00.000Z' } }]);
  });

  it('that needs a person waits without a time', () => {
    const stuck = told('command_failed', { command_id: 'c1', failure: failure('stop') });
    const { events } = when(HISTORIES.provisioning, record(stuck));
    expect(events).toMatchObject([{ body: { next_retry_at: null } }]);
  });

  it('is not failed by the answer to another command', () => {
    const other = told('command_failed', { command_id: 'c0', failure: failure() });
    expect(when(HISTORIES.provisioning, record(other)).events).toEqual([]);
  });

  it('is sent again, under a new id, when the wait is over', () => {
    const early = when(HISTORIES.setup_waiting, { type: 'tick', now: NOW });
    expect(early.events).toEqual([]);
    const due = when(HISTORIES.setup_waiting, { type: 'tick', now: LATER });
    expect(types(due.events)).toEqual(['step_retry_due', 'step_started']);
    expect(due.effects).toMatchObject([{ verb: 'provision_tables', commandId: 'n1' }]);
    expect(due.events[1]).toMatchObject({ body: { failures: 1 } });
  });

  it('is sent again at once by a retry, also when only a person can end the wait', () => {
    for (const history of [HISTORIES.setup_waiting, HISTORIES.setup_stuck]) {
      const { events, effects } = when(history, { type: 'retry' });
      expect(types(events)).toEqual(['mirror_retried', 'step_started']);
      expect(effects).toMatchObject([{ type: 'command', verb: 'provision_tables' }]);
    }
    expect(when(HISTORIES.setup_stuck, { type: 'tick', now: LATER }).events).toEqual([]);
  });

  it('is sent again at once when a peer was corrected', () => {
    const { effects } = when(HISTORIES.setup_stuck, { type: 'note_peer_changed', peer: 'src' });
    expect(effects).toMatchObject([{ type: 'publish_spec' }, { verb: 'provision_tables' }]);
  });

  it('that was lost with the queue is sent again', () => {
    const { events, effects } = when(HISTORIES.provisioning, {
      type: 'note_lost',
      commandId: 'c1',
    });
    expect(types(events)).toEqual(['step_lost', 'step_started']);
    expect(effects).toHaveLength(1);
    expect(when(HISTORIES.provisioning, { type: 'note_lost', commandId: 'zz' }).events).toEqual([]);
  });
});

describe('pause and resume', () => {
  it('a running mirror is put on hold and taken up again where it was', () => {
    const pausing = when(HISTORIES.running, { type: 'pause' });
    expect(pausing.effects).toEqual([{ type: 'publish_spec', mirrorId: 'm1', generation: 3 }]);
    const resuming = when(HISTORIES.paused, { type: 'resume' });
    expect(resuming.effects).toEqual([{ type: 'publish_spec', mirrorId: 'm1', generation: 4 }]);
  });

  it('a pause during set-up lets the step under way end and starts none', () => {
    const answer = told('tables_provisioned', { command_id: 'c1', created: [], existing: [] });
    const { effects } = when(HISTORIES.paused_in_setup, record(answer));
    expect(effects).toEqual([]);
    const history = [...HISTORIES.paused_in_setup, provisioned('c1')];
    expect(when(history, { type: 'resume' }).effects).toMatchObject([
      { type: 'publish_spec' },
      { type: 'command', verb: 'prepare_source' },
    ]);
  });

  it('a slot that comes to be during the pause waits for the resume', () => {
    const history = [...HISTORIES.preparing, paused];
    const answer = told('source_prepared', { command_id: 'c2', ...source });
    when(history, record(answer));
    const after = stateAfter([...history, prepared('c2')]);
    expect(after).toMatchObject({ tag: 'paused', before: { tag: 'streaming' } });
    expect(stateAfter([...history, prepared('c2'), resumed])).toMatchObject({ tag: 'streaming' });
  });

  it('the end of the copy is not forgotten when it comes during the pause', () => {
    const finished = told('copy_finished', { tables: 1, rows: 1, seconds: 1 });
    const { events } = when([...HISTORIES.copying, paused], record(finished));
    const after = stateAfter([...HISTORIES.copying, paused, ...events, resumed]);
    expect(after).toMatchObject({ tag: 'streaming', copy: 'done' });
  });
});

describe('sessions', () => {
  it('a failure shows until the session has recovered', () => {
    const failed = told('session_failed', {
      failure: failure(),
      attempt: 1,
      next_retry_at: LATER.toISOString(),
    });
    const { events } = when(HISTORIES.running, record(failed));
    const troubled = stateAfter([...HISTORIES.running, ...events]);
    expect(troubled).toMatchObject({ troubles: { apply: { attempt: 1 } } });
    const well = when(HISTORIES.troubled, record(told('session_recovered', {})));
    expect(stateAfter([...HISTORIES.troubled, ...well.events])).toMatchObject({ troubles: {} });
  });

  it('a first success without a failure before is no event', () => {
    expect(when(HISTORIES.running, record(told('session_recovered', {}))).events).toEqual([]);
  });

  it('a retry ends the waits of the sessions', () => {
    const { effects } = when(HISTORIES.troubled, { type: 'retry' });
    expect(effects).toEqual([{ type: 'end_waits', mirrorId: 'm1', wishId: 'n1' }]);
  });
});

describe('dropping', () => {
  it('takes the spec away first, then cleans both sides', () => {
    const { effects } = when(HISTORIES.running, {
      type: 'delete',
      dropTables: false,
      force: false,
    });
    expect(effects).toMatchObject([
      { type: 'publish_spec' },
      { type: 'command', verb: 'clean_source', force: false },
      { type: 'command', verb: 'clean_destination', force: false },
    ]);
  });

  it('drops tables only when asked, and only when nobody writes to them any more', () => {
    const answer = told('destination_cleaned', { command_id: 'd2', left: [] });
    const { effects } = when(HISTORIES.terminating, record(answer));
    expect(effects).toMatchObject([{ type: 'command', verb: 'drop_tables' }]);
  });

  it('ends when every step is done, and says what was left', () => {
    const history = [
      ...HISTORIES.terminating,
      cleaned('destination_cleaned', 'd2', ['_bunny']),
      started('drop_tables', 'd3'),
      tablesDropped('d3'),
    ];
    const answer = told('source_cleaned', { command_id: 'd1', left: ['slot bunny_m1'] });
    const { events } = when(history, record(answer));
    expect(events.at(-1)).toEqual({
      type: 'mirror_dropped',
      body: { left: ['_bunny', 'slot bunny_m1'] },
    });
  });

  it('waits for the step of the set-up that is under way, so that no slot made late is left', () => {
    const { effects } = when(HISTORIES.preparing, {
      type: 'delete',
      dropTables: false,
      force: false,
    });
    expect(effects).toMatchObject([{ type: 'publish_spec' }]);
    const answers = [
      told('source_prepared', { command_id: 'c2', ...source }),
      told('command_failed', { command_id: 'c2', failure: failure() }),
    ];
    for (const answer of answers) {
      const settled = when([...HISTORIES.preparing, deleteAsked()], record(answer));
      expect(settled.effects).toMatchObject([
        { verb: 'clean_source' },
        { verb: 'clean_destination' },
      ]);
    }
  });

  it('cleans again when a slot turns up after the cleaning', () => {
    const history = [...HISTORIES.terminating, cleaned('source_cleaned', 'd1')];
    const answer = told('source_prepared', { command_id: 'c9', ...source });
    expect(when(history, record(answer)).effects).toMatchObject([{ verb: 'clean_source' }]);
  });

  it('goes on by itself whatever the failure', () => {
    const stuck = told('command_failed', { command_id: 'd1', failure: failure('stop') });
    const { events } = when(HISTORIES.terminating, record(stuck, 0));
    expect(events).toMatchObject([{ body: { next_retry_at: '2026-01-01T00:00:00.500Z' } }]);
  });

  it('sends what is not done again, now with force, when force is asked for', () => {
    const { effects } = when(HISTORIES.terminating_waiting, {
      type: 'delete',
      dropTables: false,
      force: true,
    });
    expect(effects).toMatchObject([
      { verb: 'clean_source', force: true },
      { verb: 'clean_destination', force: true },
    ]);
  });

  it('can be asked for twice without harm', () => {
    const again = when(HISTORIES.terminating, { type: 'delete', dropTables: false, force: false });
    expect(again).toEqual({ events: [], effects: [] });
  });
});
