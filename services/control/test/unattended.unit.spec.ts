import { describe, expect, it } from 'vitest';
import { ManualClock } from '@bunnydb/testkit';
import { unattended } from '../src/core/view/unattended.js';
import { HeartbeatBoard } from '../src/shell/process/heartbeat-board.js';
import { HISTORIES, stateAfter } from './mirror-examples.js';

const running = stateAfter(HISTORIES.held);
const capture = (over: object = {}) => ({
  ...({ service: 'capture', isAlive: true, silentMs: 500 } as const),
  ...over,
});
const apply = (over: object = {}) => ({
  ...({ service: 'apply', isAlive: true, silentMs: 500 } as const),
  ...over,
});

describe('a mirror that nobody moves', () => {
  it('is told with what is missing, and what to do', () => {
    const gone = { isAlive: false, silentMs: 16_000 };
    expect(unattended(running, [capture(), apply(gone)], true)).toEqual({
      message: 'no instance of apply is there; nobody has worked on the mirror for 16 s',
      hint: expect.stringMatching(/^Start apply/),
    });
    const both = [capture({ isAlive: false, silentMs: 70_000 }), apply(gone)];
    expect(unattended(running, both, true)?.message).toBe(
      'no instance of capture and apply is there; nobody has worked on the mirror for 70 s',
    );
    expect(unattended(running, both, false)?.message).toBe(
      'nats-server cannot be reached; nothing was heard of the mirror for 70 s',
    );
    const idle = [capture({ silentMs: 20_000 }), apply({ silentMs: 21_000 })];
    expect(unattended(running, idle, true)).toEqual({
      message: 'capture and apply cannot take the mirror up; nobody has worked on it for 21 s',
      hint: expect.stringContaining('no space left on device'),
    });
  });

  it('is not one that was left a moment ago, whose worker told why, or that shall not move', () => {
    const long = [capture({ silentMs: 60_000 }), apply({ silentMs: 60_000, isAlive: false })];
    const moment = [capture({ silentMs: 14_000 }), apply({ silentMs: 9_000, isAlive: false })];
    expect(unattended(running, moment, true)).toBeNull();
    expect(unattended(running, long, true)).not.toBeNull();
    for (const history of [HISTORIES.troubled, HISTORIES.paused, HISTORIES.preparing]) {
      expect(unattended(stateAfter(history), long, true)).toBeNull();
    }
  });
});

describe('heartbeats', () => {
  it('tell for how long nobody has worked on a mirror', () => {
    const clock = new ManualClock();
    const now = (): Date => clock.now();
    const board = new HeartbeatBoard(now);
    const start = now().getTime();
    const beat = (service: 'capture' | 'apply', mirrors: readonly string[]) =>
      board.note({
        ...{ v: 1, service, instance: `${service}-1`, version: '1.0.0', rss_bytes: 1 },
        ...{ at: now().toISOString(), mirrors },
      });
    clock.advance(5_000);
    expect(board.seenAt('m1', 'apply', 0)).toEqual({
      ...{ service: 'apply', isAlive: false, silentMs: 5_000 },
    });
    beat('apply', ['m1', 'm2']);
    beat('capture', []);
    clock.advance(4_000);
    expect(board.seenAt('m1', 'apply', 0)).toMatchObject({ isAlive: true, silentMs: 4_000 });
    expect(board.seenAt('m1', 'capture', 0)).toMatchObject({ isAlive: true, silentMs: 9_000 });
    // A mirror that was made or resumed two seconds ago.
    expect(board.seenAt('m1', 'capture', start + 7_000).silentMs).toBe(2_000);
    beat('apply', ['m2']);
    clock.advance(11_000);
    expect(board.seenAt('m1', 'apply', 0)).toMatchObject({ isAlive: false, silentMs: 15_000 });
    board.keepOnly(new Set(['m2']));
    expect(board.seenAt('m1', 'apply', 0).silentMs).toBe(20_000);
    expect(board.seenAt('m2', 'apply', 0).silentMs).toBe(11_000);
  });
});
