import { describe, expect, it } from 'vitest';
import type { FailureReport } from '@bunnydb/failure';
import {
  INITIAL_SESSION_STATE,
  stepSession,
  type SessionEffect,
  type SessionSignal,
  type SessionState,
} from '../src/session-machine.js';
import { mirrorSpec } from './mirror-spec-builder.js';

const NOW_MS = Date.UTC(2030, 0, 1);
const INPUTS = { nowMs: NOW_MS, random: 0, backoff: { firstDelayMs: 1_000, maxDelayMs: 8_000 } };

function failureOf(action: FailureReport['action']): FailureReport {
  return { kind: 'source_unreachable', message: 'out of reach', hint: '', action, detail: {} };
}

const RUN = mirrorSpec();
const SIGNALS: Readonly<Record<string, SessionSignal>> = {
  run: { tag: 'spec_seen', spec: RUN },
  hold: { tag: 'spec_seen', spec: mirrorSpec({ desired: 'hold', generation: 2 }) },
  removed: { tag: 'spec_seen', spec: undefined },
  renumbered: { tag: 'spec_seen', spec: mirrorSpec({ generation: 7 }) },
  changed: { tag: 'spec_seen', spec: mirrorSpec({ generation: 7, slot_name: 'other' }) },
  granted: { tag: 'claim_granted' },
  refused: { tag: 'claim_refused' },
  freed: { tag: 'lease_freed' },
  lost: { tag: 'lease_lost' },
  healthy: { tag: 'session_healthy' },
  failed: { tag: 'session_ended', failure: failureOf('retry_timed') },
  stuck: { tag: 'session_ended', failure: failureOf('stop') },
  waitOver: { tag: 'wait_over' },
  retry: { tag: 'retry_requested' },
  give: { tag: 'give_requested' },
  shutdown: { tag: 'shutdown' },
};

interface Walk {
  readonly state: SessionState;
  /** The tags of every effect since the start, and of the last step alone. */
  readonly all: readonly SessionEffect['tag'][];
  readonly last: readonly SessionEffect[];
}

function walk(...names: readonly string[]): Walk {
  let state = INITIAL_SESSION_STATE;
  let last: readonly SessionEffect[] = [];
  const all: SessionEffect['tag'][] = [];
  for (const name of names) {
    const signal = SIGNALS[name];
    if (signal === undefined) {
      throw new Error(`no signal ${name}`);
    }
    ({ state, effects: last } = stepSession(state, signal, INPUTS));
    all.push(...last.map((effect) => effect.tag));
  }
  return { state, all, last };
}

const tags = (walked: Walk): readonly string[] => walked.last.map((effect) => effect.tag);

describe('the life of a mirror session', () => {
  it('starts only after the lease was granted', () => {
    expect(walk('run').all).toEqual(['claim']);
    expect(walk('run', 'refused').all).toEqual(['claim', 'claim']);
    expect(walk('run', 'granted').all).toEqual(['claim', 'start']);
  });

  it('does nothing for a mirror on hold', () => {
    expect(walk('hold').all).toEqual([]);
    expect(walk('hold', 'granted').all).toEqual(['release']);
  });

  it('waits longer after each failure and tries again by itself', () => {
    const first = walk('run', 'granted', 'failed');
    expect(first.last).toMatchObject([
      { tag: 'report_failed', attempt: 1, nextRetryAt: new Date(NOW_MS + 500).toISOString() },
      { tag: 'wait', untilMs: NOW_MS + 500 },
    ]);
    const second = walk('run', 'granted', 'failed', 'waitOver', 'failed');
    expect(second.last).toMatchObject([
      { tag: 'report_failed', attempt: 2 },
      { tag: 'wait', untilMs: NOW_MS + 1_000 },
    ]);
  });

  it('starts with the shortest wait again after a healthy moment, and says so once', () => {
    const recovered = walk('run', 'granted', 'failed', 'waitOver', 'healthy');
    expect(tags(recovered)).toEqual(['report_recovered']);
    expect(tags(walk('run', 'granted', 'failed', 'waitOver', 'healthy', 'healthy'))).toEqual([]);
    const again = walk(
      'run',
      'granted',
      'failed',
      'waitOver',
      'failed',
      'waitOver',
      'healthy',
      'failed',
    );
    expect(again.last).toMatchObject([{ attempt: 1 }, { untilMs: NOW_MS + 500 }]);
  });

  it('clears a failure that an instance before it reported and did not outlive', () => {
    expect(tags(walk('run', 'granted', 'healthy'))).toEqual(['report_recovered']);
  });

  it('does not try by itself what needs a person', () => {
    const stuck = walk('run', 'granted', 'stuck');
    expect(stuck.last).toMatchObject([{ tag: 'report_failed', nextRetryAt: null }]);
    expect(tags(walk('run', 'granted', 'stuck', 'retry'))).toEqual(['cancel_wait', 'start']);
    expect(tags(walk('run', 'granted', 'stuck', 'renumbered'))).toEqual(['cancel_wait', 'start']);
    expect(tags(walk('run', 'granted', 'stuck', 'run'))).toEqual([]);
  });

  it('ends the wait at a retry and ignores a retry while it runs', () => {
    expect(tags(walk('run', 'granted', 'failed', 'retry'))).toEqual(['cancel_wait', 'start']);
    expect(tags(walk('run', 'granted', 'retry'))).toEqual([]);
  });

  it('restarts for a change that matters and not for a new number alone', () => {
    expect(tags(walk('run', 'granted', 'renumbered'))).toEqual([]);
    expect(tags(walk('run', 'granted', 'changed'))).toEqual(['abort']);
    expect(walk('run', 'granted', 'changed', 'failed').last).toMatchObject([
      { tag: 'start', spec: { slot_name: 'other' } },
    ]);
  });

  it('lets the session end before it gives the lease back', () => {
    expect(walk('run', 'granted', 'hold').all).toEqual(['claim', 'start', 'abort']);
    expect(tags(walk('run', 'granted', 'hold', 'failed'))).toEqual(['release']);
    expect(tags(walk('run', 'granted', 'removed', 'failed'))).toEqual(['release']);
    expect(tags(walk('run', 'granted', 'hold', 'run', 'failed'))).toEqual(['start']);
  });

  it('is silent about a session that it ended itself', () => {
    expect(walk('run', 'granted', 'hold', 'failed').all).not.toContain('report_failed');
    expect(walk('run', 'granted', 'shutdown', 'failed').all).not.toContain('report_failed');
  });

  it('claims again after a lost lease and never releases what it does not hold', () => {
    expect(tags(walk('run', 'granted', 'lost'))).toEqual(['abort']);
    expect(tags(walk('run', 'granted', 'lost', 'failed'))).toEqual(['claim']);
    expect(tags(walk('run', 'granted', 'hold', 'lost', 'failed'))).toEqual([]);
    expect(tags(walk('run', 'granted', 'failed', 'lost'))).toEqual(['cancel_wait', 'claim']);
  });

  it('gives a mirror away when its session has ended, and claims it last', () => {
    expect(tags(walk('run', 'granted', 'give'))).toEqual(['abort']);
    const given = walk('run', 'granted', 'give', 'failed');
    expect(given.last).toEqual([{ tag: 'release' }, { tag: 'claim', turn: 'last' }]);
    expect(given.all).not.toContain('report_failed');
    expect(tags(walk('run', 'granted', 'give', 'failed', 'granted'))).toEqual(['start']);
    expect(tags(walk('run', 'granted', 'give', 'hold', 'failed'))).toEqual(['release']);
    expect(tags(walk('run', 'granted', 'give', 'lost', 'failed'))).toEqual(['claim']);
    // Only what runs is given.
    expect(tags(walk('run', 'granted', 'failed', 'give'))).toEqual([]);
  });

  it('is claimed at once when another instance has given it back, if it is waited for', () => {
    expect(walk('run', 'refused').last).toEqual([{ tag: 'claim', turn: 'again' }]);
    expect(walk('run', 'refused', 'freed').last).toEqual([{ tag: 'claim', turn: 'first' }]);
    expect(walk('run', 'granted', 'freed').last).toEqual([]);
  });

  it('keeps its place in the back-off when the lease is lost in between', () => {
    const walked = walk('run', 'granted', 'failed', 'lost', 'granted', 'failed');
    expect(walked.last).toMatchObject([{ attempt: 2 }, { tag: 'wait' }]);
  });

  it('stops from every state, and stays stopped whatever comes', () => {
    const roads = [
      [],
      ['run'],
      ['run', 'granted'],
      ['run', 'granted', 'failed'],
      ['run', 'granted', 'stuck'],
      ['run', 'granted', 'hold'],
      ['run', 'granted', 'lost'],
    ];
    for (const road of roads) {
      const stopping = walk(...road, 'shutdown');
      const stopped =
        stopping.state.tag === 'stopped' ? stopping : walk(...road, 'shutdown', 'failed');
      expect(stopped.state.tag).toBe('stopped');
      for (const name of Object.keys(SIGNALS)) {
        expect(walk(...road, 'shutdown', 'failed', name).last).toEqual([]);
      }
    }
  });

  it('never starts a second session beside a running one, whatever the order of signals', () => {
    const names = Object.keys(SIGNALS);
    let seed = 1;
    const next = (): number => (seed = (seed * 48_271) % 2_147_483_647);
    for (let round = 0; round < 300; round += 1) {
      let running = 0;
      let leased = false;
      let state = INITIAL_SESSION_STATE;
      for (let count = 0; count < 40; count += 1) {
        const name = names[next() % names.length] ?? 'run';
        const signal = SIGNALS[name];
        if (signal === undefined || !possible(name, { running, leased, state })) {
          continue;
        }
        running -= name === 'failed' || name === 'stuck' ? 1 : 0;
        leased = name === 'granted' || (leased && name !== 'lost');
        const step = stepSession(state, signal, INPUTS);
        state = step.state;
        for (const effect of step.effects) {
          if (effect.tag === 'start') {
            expect(leased).toBe(true);
            running += 1;
          }
          leased = leased && effect.tag !== 'release';
        }
        expect(running).toBeLessThanOrEqual(1);
        expect(running === 0 && state.tag === 'running').toBe(false);
        expect(leased && (state.tag === 'idle' || state.tag === 'stopped')).toBe(false);
      }
    }
  });
});

/** Signals that the world could send now: a session that does not run cannot end, a lease that is not held cannot be lost. */
function possible(
  name: string,
  world: { readonly running: number; readonly leased: boolean; readonly state: SessionState },
): boolean {
  switch (name) {
    case 'failed':
    case 'stuck':
    case 'healthy':
      return world.running === 1;
    case 'granted':
    case 'refused':
      return world.state.tag === 'claiming';
    case 'lost':
      return world.leased;
    default:
      return true;
  }
}
