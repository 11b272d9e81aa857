import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { shouldGive, type InstanceLoad } from '../src/balance.js';

const load = (instance: string, mirrors: number): InstanceLoad => ({ instance, mirrors });

/** Lets everybody decide, moves one mirror from who gives to the least loaded, and so on; tells how many gave in one round at most. */
function settle(counts: readonly number[]): { counts: number[]; moves: number; givers: number } {
  const now = [...counts];
  let moves = 0;
  let givers = 0;
  for (;;) {
    const loads = now.map((mirrors, index) => load(`i${index}`, mirrors));
    const giving = loads.flatMap((own, index) =>
      shouldGive(
        own,
        loads.filter((peer) => peer !== own),
      )
        ? [index]
        : [],
    );
    givers = Math.max(givers, giving.length);
    const [giver] = giving;
    if (giver === undefined) return { counts: now, moves, givers };
    now[giver] = (now[giver] ?? 0) - 1;
    const lowest = now.indexOf(Math.min(...now));
    now[lowest] = (now[lowest] ?? 0) + 1;
    moves += 1;
  }
}

describe('sharing mirrors out', () => {
  it('gives to an instance that came idle until both have as many', () => {
    expect(settle([20, 0])).toEqual({ counts: [10, 10], moves: 10, givers: 1 });
  });

  it('leaves an instance alone, and those that differ by one', () => {
    expect(shouldGive(load('a', 9), [])).toBe(false);
    expect(settle([7, 7, 6]).moves).toBe(0);
  });

  it('always ends with nobody two mirrors ahead, moves none twice, and has one giver at a time', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(60), { minLength: 1, maxLength: 7 }), (before) => {
        const { counts, moves, givers } = settle(before);
        expect(Math.max(...counts) - Math.min(...counts)).toBeLessThan(2);
        expect(givers).toBeLessThanOrEqual(1);
        const total = before.reduce((sum, count) => sum + count, 0);
        const share = Math.floor(total / before.length);
        const needed = before.reduce((sum, count) => sum + Math.max(0, count - share), 0);
        expect(moves).toBeLessThanOrEqual(needed);
      }),
    );
  });
});
