import fc from 'fast-check';
import { expect, test } from 'vitest';
import { escapeCopyValue, splitCopyLine, unescapeCopyValue } from '../src/copy-text.js';

/** Any text that PostgreSQL can hold, with what COPY treats specially more often than chance would have it. */
const value = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string({ unit: fc.constantFrom('\\', 'N', 'n', 't', '.', '\t', '\n', '\r', '\b', 'é', '😀') }),
);

test('any value survives a column of COPY text', () => {
  fc.assert(
    fc.property(fc.option(value), (text) => {
      expect(unescapeCopyValue(escapeCopyValue(text))).toBe(text);
    }),
  );
});

test('an escaped value holds no character that ends a column or a row', () => {
  fc.assert(
    fc.property(value, (text) => {
      expect(escapeCopyValue(text)).not.toMatch(/[\t\n\r]/);
    }),
  );
});

test('a row keeps its columns, whatever they hold', () => {
  fc.assert(
    fc.property(fc.array(fc.option(value), { minLength: 1 }), (columns) => {
      expect(splitCopyLine(columns.map(escapeCopyValue).join('\t'))).toEqual(columns);
    }),
  );
});

test('NULL and the text \\N are told apart', () => {
  expect(escapeCopyValue(null)).toBe('\\N');
  expect(escapeCopyValue('\\N')).toBe('\\\\N');
  expect(unescapeCopyValue('\\N')).toBeNull();
  expect(unescapeCopyValue('\\\\N')).toBe('\\N');
});

test('the escapes that only PostgreSQL writes are read too', () => {
  expect(unescapeCopyValue('\\b\\f\\v')).toBe('\b\f\v');
});

test('the end-of-data marker of old COPY cannot come out of a value', () => {
  expect(escapeCopyValue('\\.')).toBe('\\\\.');
});
