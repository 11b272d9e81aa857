import { describe, expect, it } from 'vitest';
import { logLineOf } from '../src/core/mirror/mirror-log-line.js';
import { currentFailure, mirrorPhase, mirrorStatus } from '../src/core/mirror/mirror-status.js';
import {
  HISTORIES,
  LATER,
  failure,
  paused,
  record,
  resumed,
  stateAfter,
  stepFailed,
  structureBuilt,
  told,
  when,
} from './mirror-examples.js';

const types = (events: readonly { readonly type: string }[]): readonly string[] =>
  events.map((event) => event.type);
const copyFinished = record(told('copy_finished', { tables: 1, rows: 1, seconds: 1 }));

describe('indexes and foreign keys', () => {
  it('are built once the copy is done, while the mirror runs', () => {
    const { events, effects } = when(HISTORIES.copying, copyFinished);
    expect(types(events)).toEqual(['copy_finished', 'step_started']);
    expect(effects).toMatchObject([{ type: 'command', verb: 'build_structure', commandId: 'n1' }]);
    const state = stateAfter([...HISTORIES.copying, ...events]);
    expect(mirrorStatus(state)).toBe('running');
    expect(mirrorPhase(state)).toBe('streaming changes; building indexes and foreign keys');
  });

  it('are built once, also when the end of a copy is told again', () => {
    const done = record(told('structure_built', { command_id: 'b1', ...structureBuilt }));
    const { events, effects } = when(HISTORIES.building, done);
    expect(types(events)).toEqual(['structure_built']);
    expect(effects).toEqual([]);
    const after = [...HISTORIES.building, ...events];
    expect(mirrorPhase(stateAfter(after))).toBe('streaming changes');
    expect(when(after, copyFinished).effects).toEqual([]);
    expect(when(HISTORIES.building, copyFinished).effects).toEqual([]);
  });

  it('are tried again with back-off, and the mirror runs on meanwhile', () => {
    const failed = record(told('command_failed', { command_id: 'b1', failure: failure() }));
    const { events } = when(HISTORIES.building, failed);
    expect(events).toMatchObject([{ type: 'step_failed', body: { verb: 'build_structure' } }]);
    const waiting = [...HISTORIES.building, stepFailed('build_structure', 'b1')];
    expect(mirrorStatus(stateAfter(waiting))).toBe('running');
    expect(currentFailure(stateAfter(waiting))).toMatchObject({ failure: failure() });
    for (const command of [{ type: 'tick', now: LATER } as const, { type: 'retry' } as const]) {
      const { effects } = when(waiting, command);
      expect(effects.at(-1)).toMatchObject({ type: 'command', verb: 'build_structure' });
    }
  });

  it('wait for the end of a pause, and one that ends during it is not forgotten', () => {
    const { events, effects } = when([...HISTORIES.copying, paused], copyFinished);
    expect(effects).toEqual([]);
    const after = [...HISTORIES.copying, paused, ...events];
    expect(when(after, { type: 'resume' }).effects).toMatchObject([
      { type: 'publish_spec' },
      { type: 'command', verb: 'build_structure' },
    ]);
    const built = record(told('structure_built', { command_id: 'b1', ...structureBuilt }));
    const answered = when([...HISTORIES.building, paused], built).events;
    const end = stateAfter([...HISTORIES.building, paused, ...answered, resumed]);
    expect(end).toMatchObject({ structure: { tag: 'done' } });
  });

  it('are no obstacle to a delete', () => {
    const { effects } = when(HISTORIES.building, {
      type: 'delete',
      dropTables: true,
      force: false,
    });
    expect(effects).toMatchObject([
      { type: 'publish_spec' },
      { verb: 'clean_source' },
      { verb: 'clean_destination' },
    ]);
  });

  it('that could not all be made are warned of by name', () => {
    const refusal = { object: 'public.c.c_p_fkey', reason: 'offending rows: 3' };
    const body = { command_id: 'b1', ...structureBuilt, failed_count: 1, failed: [refusal] };
    const { events } = when(HISTORIES.building, record(told('structure_built', body)));
    const [event] = events;
    expect(event && logLineOf(event)).toMatchObject({
      level: 'warn',
      category: 'schema',
      details: { failed: 1, not_made: [refusal] },
    });
  });
});
