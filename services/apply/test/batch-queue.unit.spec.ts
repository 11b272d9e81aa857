import { lsnFromBigInt } from '@bunnydb/pg-model';
import { describe, expect, it } from 'vitest';
import type { Batch } from '../src/core/batch-assembly.js';
import { BatchQueue } from '../src/shell/batch-queue.js';

const LIMITS = { changes: 100, bytes: 10_000, lingerMs: 0 };

function batch(name: string, changes: number, bytes: number, kind: Batch['kind'] = 'held'): Batch {
  const zero = lsnFromBigInt(0n);
  const commit = {
    kind: 'commit' as const,
    streamSeq: 1,
    traceParent: '',
    transactions: [],
    head: {
      epoch: '1',
      batch: name,
      prevLsn: zero,
      firstLsn: zero,
      lastLsn: zero,
      firstSeq: 0,
      messages: 0,
      changes,
      bytes,
    },
  };
  return kind === 'held'
    ? { kind, commit, messages: [], bytes, tables: [], marks: [] }
    : { kind, commit, bytes, overlapping: new Map(), tables: [], marks: [] };
}

const names = (batches: readonly Batch[] | undefined): string[] | undefined =>
  batches?.map(({ commit }) => commit.head.batch);

describe('the queue of batches', () => {
  it('hands out all that waits up to the limits, and at least one', async () => {
    const queue = new BatchQueue(1_000_000);
    for (const [name, changes, bytes] of [
      ['a', 40, 10],
      ['b', 60, 10],
      ['c', 1, 10],
      ['d', 500, 10],
      ['e', 1, 9_999],
      ['f', 1, 9_999],
    ] as const)
      await queue.push(batch(name, changes, bytes));
    const taken = [];
    while (!queue.isEmpty) taken.push(names(await queue.take(LIMITS, 0)));
    expect(taken).toEqual([['a', 'b'], ['c'], ['d'], ['e'], ['f']]);
    expect(await queue.take(LIMITS, 0)).toEqual([]);
  });

  it('hands out a large batch by itself', async () => {
    const queue = new BatchQueue(1_000_000);
    await queue.push(batch('a', 1, 1));
    await queue.push(batch('b', 1, 1, 'large'));
    await queue.push(batch('c', 1, 1));
    expect(names(await queue.take(LIMITS, 0))).toEqual(['a']);
    expect(names(await queue.take(LIMITS, 0))).toEqual(['b']);
    expect(names(await queue.take(LIMITS, 0))).toEqual(['c']);
  });

  it('lets the reader go on only when there is room', async () => {
    const queue = new BatchQueue(10_000);
    await queue.push(batch('a', 1, 100));
    let isThrough = false;
    const pushed = queue.push(batch('b', 1, 9_000)).then(() => (isThrough = true));
    await Promise.resolve();
    expect(isThrough).toBe(false);
    await queue.take(LIMITS, 0);
    await pushed;
    expect(isThrough).toBe(true);
  });

  it('wakes a writer that waits, for a batch and for an interruption', async () => {
    const queue = new BatchQueue(10_000);
    const taken = queue.take(LIMITS, 60_000);
    await queue.push(batch('a', 1, 1));
    expect(names(await taken)).toEqual(['a']);
    const interrupted = queue.take(LIMITS, 60_000);
    queue.interrupt();
    expect(await interrupted).toEqual([]);
  });

  it('tells its end behind what was read before it', async () => {
    const queue = new BatchQueue(10_000);
    await queue.push(batch('a', 1, 1));
    queue.end(new Error('the stream is lost'));
    expect(names(await queue.take(LIMITS, 0))).toEqual(['a']);
    await expect(queue.take(LIMITS, 0)).rejects.toThrow('the stream is lost');
    const abandoned = new BatchQueue(10_000);
    await abandoned.push(batch('a', 1, 1));
    abandoned.abandon();
    expect(await abandoned.take(LIMITS, 0)).toBeUndefined();
  });

  it('waits for more when asked to, but not beyond the limits', async () => {
    const queue = new BatchQueue(1_000_000);
    const limits = { ...LIMITS, lingerMs: 60_000 };
    await queue.push(batch('a', 10, 10));
    expect(await queue.take(limits, 1)).toEqual([]);
    await queue.push(batch('b', 90, 10));
    expect(names(await queue.take(limits, 1))).toEqual(['a', 'b']);
  });
});
