import fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatLsn, lsnFromBigInt, parseLsn } from '../src/lsn.js';

test('an LSN survives being printed and read again', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: 0xffffffffffffffffn }), (value) => {
      expect(parseLsn(formatLsn(lsnFromBigInt(value)))).toBe(value);
    }),
  );
});

test('an LSN prints as PostgreSQL prints it', () => {
  expect(formatLsn(lsnFromBigInt(0x16b374d848n))).toBe('16/B374D848');
  expect(formatLsn(lsnFromBigInt(0n))).toBe('0/0');
});

test.each(['', '1', '1/', 'g/0', '1/123456789', '-1/0', ' 1/0'])('%j is refused as an LSN', (text) => {
  expect(() => parseLsn(text)).toThrow(RangeError);
});
