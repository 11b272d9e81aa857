import { describe, expect, it } from 'vitest';
import { RefusedChanges } from '../src/core/refused-changes.js';

const SECOND = 1_000;

describe('a change that was refused', () => {
  it('is tried again, more and more seldom', () => {
    const refused = new RefusedChanges();
    let nowMs = 0;
    const waits = [1, 2, 3, 4].map(() => {
      refused.note('a', nowMs, 0);
      const start = nowMs;
      while (refused.isWaiting('a', nowMs)) nowMs += SECOND;
      return (nowMs - start) / SECOND;
    });
    expect(waits).toEqual([5, 10, 20, 40]);
    for (let tries = 0; tries < 20; tries += 1) refused.note('a', nowMs, 0.99);
    expect(refused.isWaiting('a', nowMs + 300 * SECOND)).toBe(true);
    expect(refused.isWaiting('a', nowMs + 600 * SECOND)).toBe(false);
  });

  it('asks for a look when its time has come, as long as it is pending', () => {
    const refused = new RefusedChanges();
    expect(refused.isDue(0)).toBe(false);
    refused.note('a', 0, 0);
    refused.note('b', 0, 0);
    expect([refused.isDue(SECOND), refused.isDue(60 * SECOND)]).toEqual([false, true]);
    refused.retain([{ id: 'b' }]);
    expect([refused.isWaiting('a', SECOND), refused.isWaiting('b', SECOND)]).toEqual([false, true]);
    refused.retain([]);
    expect(refused.isDue(60 * SECOND)).toBe(false);
  });

  it('is tried at once when something has changed', () => {
    const refused = new RefusedChanges();
    refused.note('a', 0, 0);
    refused.clear();
    expect(refused.isWaiting('a', 0)).toBe(false);
  });
});
