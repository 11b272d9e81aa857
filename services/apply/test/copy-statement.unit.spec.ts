import { describe, expect, it } from 'vitest';
import { copyInStatement, copyOutStatement, countStatement } from '../src/core/copy-statement.js';

const PARTS = {
  range: {
    rangeNo: 1,
    relation: { schema: 'public', table: 'We"ird' },
    firstBlock: 10,
    endBlock: 20,
    bytesEstimated: 0,
  },
  destination: { schema: 'copy', table: 'We"ird' },
  columns: ['id', 'a b'],
  format: 'binary',
} as const;

describe('copy statements', () => {
  it('read a block range of one relation only, and write the same columns', () => {
    expect(copyOutStatement(PARTS)).toBe(
      'copy (select "id", "a b" from only "public"."We""ird"' +
        ` where ctid >= '(10,0)'::pg_catalog.tid and ctid < '(20,0)'::pg_catalog.tid)` +
        ' to stdout with (format binary)',
    );
    expect(copyInStatement(PARTS)).toBe(
      'copy "copy"."We""ird" ("id", "a b") from stdin with (format binary)',
    );
  });

  it('read a whole relation without a condition', () => {
    const range = { ...PARTS.range, firstBlock: 0, endBlock: null };
    expect(copyOutStatement({ ...PARTS, range, format: 'text' })).toBe(
      'copy (select "id", "a b" from only "public"."We""ird") to stdout',
    );
  });

  it('keep a row filter in its own parentheses, a comment at its end included', () => {
    const parts = { ...PARTS, rowFilter: `id > 1 or id = 0 -- note` };
    expect(countStatement(parts)).toContain(' and (id > 1 or id = 0 -- note\n)');
  });
});
