import fc from 'fast-check';
import { expect, test } from 'vitest';
import { compareLsn, formatLsn, lsnFromBigInt, maxLsn, parseLsn } from '../src/lsn.js';

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

test.each(['', '1', '1/', 'g/0', '1/123456789', '-1/0', ' 1/0'])(
  '%j is refused as an LSN',
  (text) => {
    expect(() => parseLsn(text)).toThrow(RangeError);
  },
);

test('LSNs are ordered as unsigned 64-bit numbers, not as text', () => {
  const low = parseLsn('9/FFFFFFFF');
  const high = parseLsn('10/0');
  expect(compareLsn(low, high)).toBeLessThan(0);
  expect(compareLsn(high, low)).toBeGreaterThan(0);
  expect(compareLsn(low, low)).toBe(0);
  expect(maxLsn(low, high)).toBe(high);
  expect(maxLsn(high, low)).toBe(high);
});

test('a number that does not fit 64 bits is no LSN', () => {
  expect(() => lsnFromBigInt(-1n)).toThrow(RangeError);
  expect(() => lsnFromBigInt(1n << 64n)).toThrow(RangeError);
});
