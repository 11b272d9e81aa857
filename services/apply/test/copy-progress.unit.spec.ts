import { describe, expect, it } from 'vitest';
import { CopyProgressCounter } from '../src/core/copy-progress.js';

const START = {
  table: { schema: 'public', table: 't' },
  rangesTotal: 2,
  rowsEstimated: 100,
  bytesEstimated: 1000,
};

describe('CopyProgressCounter', () => {
  it('tells at most every quarter of a second', () => {
    const counter = new CopyProgressCounter(START);
    const told = [0, 100, 249, 250, 300, 500].filter((nowMs) => counter.addBytes(1, 1, nowMs));
    expect(told).toEqual([0, 250, 500]);
  });

  it('puts the rows right at the end of a range', () => {
    const counter = new CopyProgressCounter(START);
    counter.addBytes(500, 51, 0);
    expect(counter.snapshot()).toMatchObject({ rowsDone: 51, bytesDone: 500, rangesDone: 0 });
    counter.finishRange(50, 51);
    expect(counter.snapshot()).toMatchObject({ rowsDone: 50, bytesDone: 500, rangesDone: 1 });
  });

  it('takes back what a failed range had counted', () => {
    const counter = new CopyProgressCounter(START);
    counter.addBytes(500, 51, 0);
    counter.dropRange(500, 51);
    expect(counter.snapshot()).toMatchObject({ rowsDone: 0, bytesDone: 0, rangesDone: 0 });
  });
});
