import { describe, expect, it } from 'vitest';
import type { MetricSample } from '@bunnydb/contracts';
import { OTHER_TABLES, capTables } from '../src/cap-tables.js';
import { MetricBoard } from '../src/metric-board.js';
import { ValueBuckets } from '../src/value-buckets.js';

const rows = (table: string, value: number): MetricSample => ({
  name: 'bunny_apply_table_rows_total',
  labels: { mirror: 'shop', table, operation: 'insert' },
  value,
});

describe('metric series', () => {
  it('a mirror with more tables than the cap tells the rest as one', () => {
    const capped = capTables([rows('c', 3), rows('a', 1), rows('b', 2), rows('d', 4)], 2);
    expect(capped).toEqual([rows('a', 1), rows('b', 2), rows(OTHER_TABLES, 7)]);
  });

  it('mirrors share the cap evenly', () => {
    const other: MetricSample = {
      ...rows('a', 5),
      labels: { mirror: 'other', table: 'a', operation: 'insert' },
    };
    expect(capTables([rows('a', 1), rows('b', 2), other], 2)).toEqual([
      rows('a', 1),
      other,
      rows(OTHER_TABLES, 2),
    ]);
  });

  it('a series that two sessions tell is told once', async () => {
    const board = new MetricBoard({ tablesMax: 10 });
    board.add(() => [rows('a', 1)]);
    board.add(() => [rows('a', 2)]);
    expect(await board.collect()).toEqual([rows('a', 2)]);
  });

  it('a source that fails or tells no number does not spoil the others', async () => {
    const board = new MetricBoard({ tablesMax: 10 });
    board.add(() => Promise.reject(new Error('the catalog is away')));
    board.add(() => [rows('b', Number.NaN)]);
    board.add(() => [rows('a', 1)]);
    expect(await board.collect()).toEqual([rows('a', 1)]);
  });

  it('a source that was taken away leaves no series behind', async () => {
    const board = new MetricBoard({ tablesMax: 10 });
    const stop = board.add(() => [rows('a', 1)]);
    stop();
    expect(await board.collect()).toEqual([]);
  });

  it('a value counts in the first bucket that holds it, one beyond all in the last', () => {
    const buckets = new ValueBuckets([1, 10]);
    for (const value of [0, 1, 2, 10, 11]) buckets.add(value);
    expect(buckets.distribution).toEqual({ bounds: [1, 10], counts: [2, 2, 1], sum: 24 });
  });
});
