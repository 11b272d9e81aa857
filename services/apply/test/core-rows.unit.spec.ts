import fc from 'fast-check';
import { MirrorError } from '@bunnydb/failure';
import { escapeCopyValue, splitCopyLine } from '@bunnydb/pg-model';
import { describe, expect, it } from 'vitest';
import {
  columnsStart,
  fieldEnd,
  readSeq,
  readUnchanged,
  readValue,
  rowEnd,
} from '../src/core/copy-line.js';
import { KeyIndex } from '../src/core/key-index.js';
import { mergeUnchanged } from '../src/core/merge-unchanged.js';
import { RowCollector, endOfRowsUpTo, rowsAfter } from '../src/core/row-columns.js';
import { RowFields } from '../src/core/row-fields.js';
import { RowList } from '../src/core/row-list.js';
import { RowStripper } from '../src/core/row-stripper.js';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const textOf = (value: Uint8Array | null): string | null =>
  value === null ? null : new TextDecoder().decode(value);

/** Values with everything that COPY escapes. */
const value = fc.option(
  fc.string({
    unit: fc.constantFrom('a', 'ü', '\t', '\n', '\r', '\\', 'N', '.', '"'),
    maxLength: 6,
  }),
);
const rows = (columns: number): fc.Arbitrary<(string | null)[][]> =>
  fc.array(fc.array(value, { minLength: columns, maxLength: columns }), { maxLength: 30 });

function payloadOf(values: readonly (readonly (string | null)[])[]): Uint8Array {
  return bytes(
    values
      .map((row, index) => `${['I', index + 1, '\\N', ...row.map(escapeCopyValue)].join('\t')}\n`)
      .join(''),
  );
}

describe('rows as bytes', () => {
  it('every value comes out of a row as it went in', () => {
    fc.assert(
      fc.property(rows(3), (values) => {
        const payload = payloadOf(values);
        const fields = new RowFields();
        const places = [0, 1, 2].map((position) => ({ source: 'column' as const, position }));
        let at = 0;
        const read: (string | null)[][] = [];
        while (at < payload.length) {
          fields.read(payload, at, 3, 0);
          read.push(fields.values(places).map(textOf));
          at = rowEnd(payload, at);
        }
        expect(read).toEqual(values);
      }),
    );
  });

  it('numbers, unchanged positions and columns are found', () => {
    const row = bytes('U\t123\t2,10\tone\t\\N\n');
    expect(readSeq(row, 0)).toBe(123);
    expect(readUnchanged(row, 0)).toEqual([1, 9]);
    const start = columnsStart(row, 0);
    expect(textOf(readValue(row, start, fieldEnd(row, start)))).toBe('one');
    expect(readUnchanged(bytes('I\t1\t\\N\tx\n'), 0)).toEqual([]);
    expect(columnsStart(bytes('I\t1\t\\N\n'), 0)).toBe(6);
  });

  it('a row without its end is refused', () => {
    expect(() => rowEnd(bytes('I\t1\t\\N\tx'), 0)).toThrow(MirrorError);
    expect(() => fieldEnd(bytes('abc'), 0)).toThrow(MirrorError);
  });
});

describe('stripping', () => {
  it('leaves exactly the columns, whatever the size of the target', () => {
    fc.assert(
      fc.property(rows(2), fc.integer({ min: 8, max: 200 }), (values, room) => {
        const stripper = new RowStripper(payloadOf(values));
        const target = new Uint8Array(room + 10).fill(0x0a);
        let text = '';
        while (!stripper.isDone) {
          const stop = stripper.fill(target, 5, 5 + room);
          text += new TextDecoder().decode(
            stop > 5 ? target.subarray(5, stop) : stripper.takeRow(),
          );
        }
        const lines = text === '' ? [] : text.slice(0, -1).split('\n').map(splitCopyLine);
        expect(lines).toEqual(values);
      }),
    );
  });

  it('keeps the empty rows of a table without columns', () => {
    const stripper = new RowStripper(bytes('I\t1\t\\N\nI\t2\t\\N\n'));
    const target = new Uint8Array(64);
    expect(new TextDecoder().decode(target.subarray(0, stripper.fill(target, 0, 64)))).toBe('\n\n');
  });

  it('and projecting leaves the kept columns, without the old key', () => {
    const collector = new RowCollector([true, false, true], 0);
    const payload = bytes('U\t1\t\\N\ta\tb\tc\told\nU\t2\t\\N\t\\N\tb\tc\\n\told\n');
    const middle = rowEnd(payload, 0);
    collector.add(payload, 0, middle, true);
    collector.add(payload, middle, payload.length, true);
    expect(new TextDecoder().decode(collector.bytes)).toBe('a\tc\n\\N\tc\\n\n');
  });

  it('rows up to a number are told from those after it', () => {
    const payload = payloadOf([['a'], ['b'], ['c']]);
    expect(new TextDecoder().decode(rowsAfter(payload, 2))).toBe('I\t3\t\\N\tc\n');
    expect(rowsAfter(payload, 3)).toHaveLength(0);
    expect(rowsAfter(payload, 0)).toHaveLength(payload.length);
    expect(endOfRowsUpTo(payload, 0, 1)).toBe(rowEnd(payload, 0));
  });
});

describe('finding keys', () => {
  it('equal keys are one entry and others are not, in any order of columns', () => {
    fc.assert(
      fc.property(rows(3), (values) => {
        const payload = payloadOf(values);
        const index = new KeyIndex([2, 0], 0);
        const seen = new Map<string, number>();
        let at = 0;
        for (const row of values) {
          const key = JSON.stringify([row[2], row[0]]);
          const entry = index.find(payload, columnsStart(payload, at));
          expect(entry).toBe(seen.get(key) ?? seen.size);
          seen.set(key, entry);
          at = rowEnd(payload, at);
        }
        expect(index.size).toBe(seen.size);
      }),
    );
  });
});

describe('rows of several parts', () => {
  it('come in the order of batch and number', () => {
    const part = (batchOrder: number, text: string) => ({
      payload: bytes(text),
      hasOld: false,
      batchOrder,
    });
    const list = new RowList([
      part(0, 'I\t1\t\\N\ta\nI\t4\t\\N\td\n'),
      part(0, 'U\t2\t\\N\tb\n'),
      part(1, 'U\t1\t\\N\te\n'),
      part(0, 'U\t3\t\\N\tc\n'),
    ]);
    const texts = Array.from({ length: list.length }, (_, row) =>
      textOf(list.bytes(row).subarray(-2, -1)),
    );
    expect(list.partIndex(1)).toBe(1);
    expect(texts.join('')).toBe('abcde');
  });
});

describe('unchanged columns', () => {
  it('are filled from the row before, and stay unchanged where that has none either', () => {
    const before = bytes('U\t1\t3\t1\tfirst\t\\N\n');
    const merged = mergeUnchanged(before, bytes('U\t2\t2,3\t1\t\\N\t\\N\told\n'), 3);
    expect(textOf(merged ?? null)).toBe('U\t2\t3\t1\tfirst\t\\N\told\n');
    expect(mergeUnchanged(before, bytes('U\t2\t\\N\t1\ta\tb\n'), 3)).toBeUndefined();
  });
});
