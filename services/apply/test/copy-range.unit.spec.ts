import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type RelationSize, estimateRows, planRanges } from '../src/core/copy-range.js';

const TABLE = { schema: 'public', table: 't' };

function size(overrides: Partial<RelationSize> = {}): RelationSize {
  return {
    relation: TABLE,
    hasBlocks: true,
    blocks: 1000,
    rowsEstimated: 100_000,
    bytes: 8_192_000,
    ...overrides,
  };
}

describe('planRanges', () => {
  it('covers every block once, without gap or overlap, and leaves the last range open', () => {
    const anySize = fc.record({
      blocks: fc.nat(5_000),
      rowsEstimated: fc.integer({ min: -1, max: 1_000_000 }),
      hasBlocks: fc.boolean(),
    });
    fc.assert(
      fc.property(anySize, fc.integer({ min: 1, max: 500_000 }), (facts, rowsPerRange) => {
        const ranges = planRanges(TABLE, [size(facts)], rowsPerRange);
        let expectedFirst = 0;
        for (const range of ranges.slice(0, -1)) {
          expect(range.firstBlock).toBe(expectedFirst);
          expect(range.endBlock).toBeGreaterThan(range.firstBlock);
          expectedFirst = range.endBlock ?? Number.NaN;
        }
        expect(ranges.at(-1)).toMatchObject({ firstBlock: expectedFirst, endBlock: null });
        expect(ranges.map((range) => range.rangeNo)).toEqual(ranges.map((_, index) => index));
      }),
    );
  });

  it('cuts by the density of rows that the catalog knows', () => {
    // 100 rows per block, 25 000 rows a range: 250 blocks.
    expect(planRanges(TABLE, [size()], 25_000).map((range) => range.firstBlock)).toEqual([
      0, 250, 500, 750,
    ]);
  });

  it('makes one range of a small table, an empty one, and one that has no blocks to go by', () => {
    expect(planRanges(TABLE, [size({ blocks: 3, rowsEstimated: 200 })], 25_000)).toHaveLength(1);
    expect(planRanges(TABLE, [size({ blocks: 0, rowsEstimated: 0 })], 25_000)).toHaveLength(1);
    expect(planRanges(TABLE, [size({ hasBlocks: false })], 25_000)).toHaveLength(1);
  });

  it('makes ranges of every partition, numbered through, and one of a table without partitions', () => {
    const first = size({ relation: { schema: 'public', table: 't_1' } });
    const second = size({ relation: { schema: 'public', table: 't_2' } });
    const ranges = planRanges(TABLE, [first, second], 50_000);
    expect(ranges.map((range) => `${range.relation.table}:${range.firstBlock}`)).toEqual([
      't_1:0',
      't_1:500',
      't_2:0',
      't_2:500',
    ]);
    expect(planRanges(TABLE, [], 50_000)).toHaveLength(1);
  });

  it('bounds the number of ranges of a huge table', () => {
    const huge = size({ blocks: 100_000_000, rowsEstimated: 1e11 });
    expect(planRanges(TABLE, [huge], 1).length).toBeLessThanOrEqual(10_000);
  });
});

describe('estimateRows', () => {
  it('takes the catalog at its word, and guesses where it does not know', () => {
    expect(estimateRows([size()])).toBe(100_000);
    expect(estimateRows([size({ rowsEstimated: -1 })])).toBe(80_000);
    expect(estimateRows([])).toBe(0);
  });
});
