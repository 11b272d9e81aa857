import { describe, expect, it } from 'vitest';
import { isSameSource } from '../src/core/source-lineage.js';

const source = { system_id: '7', database: 'shop', database_oid: 16_384, start_lsn: '0/10' };

describe('what is noted of a source is true of another one', () => {
  it('if it is the same database of the same cluster, wherever its slot starts', () => {
    expect(isSameSource(source, { ...source, start_lsn: '0/99' })).toBe(true);
    const { database_oid: _, ...older } = source;
    expect(isSameSource(older, source)).toBe(true);
  });

  it('and not of another cluster, another database, or one that was restored under its name', () => {
    for (const other of [{ system_id: '8' }, { database: 'x' }, { database_oid: 16_385 }])
      expect(isSameSource(source, { ...source, ...other })).toBe(false);
  });
});
