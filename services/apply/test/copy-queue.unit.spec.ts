import { describe, expect, it } from 'vitest';
import { CopyQueue } from '../src/core/copy-queue.js';
import type { CopyRange } from '../src/core/copy-range.js';

interface TestTable {
  readonly name: string;
  readonly ranges: readonly CopyRange[];
}

function table(name: string, ...bytes: number[]): TestTable {
  const ranges = bytes.map((bytesEstimated, rangeNo) => ({
    rangeNo,
    relation: { schema: 'public', table: name },
    firstBlock: rangeNo,
    endBlock: null,
    bytesEstimated,
  }));
  return { name, ranges };
}

function take(queue: CopyQueue<TestTable>): string {
  const work = queue.take();
  return work.kind === 'range' ? `${work.table.name}:${work.range.rangeNo}` : work.kind;
}

describe('CopyQueue', () => {
  it('begins with the largest table and its largest range', () => {
    const queue = new CopyQueue([table('small', 1), table('large', 10, 30, 20)], 1);
    expect([take(queue), take(queue), take(queue)]).toEqual(['large:1', 'large:2', 'large:0']);
  });

  it('gives workers tables of their own before it lets them share one', () => {
    const queue = new CopyQueue([table('a', 50, 50, 50), table('b', 10), table('c', 20, 20)], 3);
    expect([take(queue), take(queue), take(queue), take(queue)]).toEqual([
      'a:2',
      'c:1',
      'b:0',
      'a:1',
    ]);
  });

  it('holds to the number of tables at a time, and lets the next one in when one is closed', () => {
    const [a, b] = [table('a', 10), table('b', 5)];
    const queue = new CopyQueue([a, b], 1);
    expect(take(queue)).toBe('a:0');
    expect(take(queue)).toBe('wait');
    expect(queue.finish(a)).toBe(true);
    expect(take(queue)).toBe('wait');
    queue.close(a);
    expect(take(queue)).toBe('b:0');
    expect(queue.finish(b)).toBe(true);
    queue.close(b);
    expect(take(queue)).toBe('done');
  });

  it('says that a table is finished only when its last range is', () => {
    const only = table('a', 1, 1);
    const queue = new CopyQueue([only], 1);
    take(queue);
    expect(queue.finish(only)).toBe(false);
    take(queue);
    expect(queue.finish(only)).toBe(true);
  });

  it('is done at once when there is nothing to do', () => {
    expect(new CopyQueue<TestTable>([], 4).take()).toEqual({ kind: 'done' });
  });
});
