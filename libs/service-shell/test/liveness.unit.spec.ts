import { describe, expect, it } from 'vitest';
import { LOOK_EVERY_MS, Liveness } from '../src/liveness.js';

/** Time that passes as `runService` lets it: a look every few seconds. */
function clock(): { liveness: Liveness; pass: (ms: number) => readonly string[] } {
  let nowMs = 0;
  const liveness = new Liveness(() => nowMs);
  const pass = (ms: number): readonly string[] => {
    let stuck: readonly string[] = [];
    for (const until = nowMs + ms; nowMs < until; stuck = liveness.look()) nowMs += LOOK_EVERY_MS;
    return stuck;
  };
  return { liveness, pass };
}

describe('liveness', () => {
  it('a loop that turns is alive for ever', () => {
    const { liveness, pass } = clock();
    const pulse = liveness.watch('loop', { silenceMaxMs: 10_000 });
    for (let turn = 0; turn < 100; turn += 1) {
      expect(pass(5_000)).toEqual([]);
      pulse.beat();
    }
  });

  it('a loop that does not turn in its time is stuck, and alive again when it turns', () => {
    const { liveness, pass } = clock();
    const pulse = liveness.watch('loop', { silenceMaxMs: 10_000 });
    expect(pass(10_000)).toEqual([]);
    expect(pass(5_000)).toEqual(['loop']);
    pulse.beat();
    expect(pass(5_000)).toEqual([]);
  });

  it('a loop that waits for a server is not stuck, however long, and has its full time afterwards', () => {
    const { liveness, pass } = clock();
    let isWaiting = true;
    liveness.watch('loop', { silenceMaxMs: 10_000, isWaiting: () => isWaiting });
    expect(pass(3_600_000)).toEqual([]);
    isWaiting = false;
    expect(pass(10_000)).toEqual([]);
    expect(pass(5_000)).toEqual(['loop']);
  });

  it('a loop that has ended is not missed', () => {
    const { liveness, pass } = clock();
    liveness.watch('loop', { silenceMaxMs: 10_000 }).end();
    expect(pass(60_000)).toEqual([]);
  });

  it('a process that was itself stopped for a while is not stuck when it wakes up', () => {
    let nowMs = 0;
    const liveness = new Liveness(() => nowMs);
    liveness.watch('loop', { silenceMaxMs: 10_000 });
    nowMs = 600_000;
    expect(liveness.look()).toEqual([]);
  });
});
