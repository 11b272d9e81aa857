import { describe, expect, it } from 'vitest';
import { qualifiedName } from '../parts/qualified-name.js';
import {
  BYTE_STEPS,
  bytes,
  clockWords,
  count,
  known,
  moment,
  plural,
  seconds,
} from '../parts/words.js';

describe('words for numbers', () => {
  it.each([
    [0, '0 B'],
    [512, '512 B'],
    [1_023, '1023 B'],
    [1_024, '1.0 KiB'],
    [1_500_000, '1.4 MiB'],
    [1_048_500, '1.0 MiB'],
    [104_806_400, '100 MiB'],
    [5 * 1024 ** 4, '5.0 TiB'],
    [3_000 * 1024 ** 4, '3000 TiB'],
  ])('%d bytes are %s', (value, words) => {
    expect(bytes(value)).toBe(words);
  });

  it.each([
    [0, '0 ms'],
    [0.0624, '62 ms'],
    [0.9996, '1.0 s'],
    [4.24, '4.2 s'],
    [9.96, '10 s'],
    [59.4, '59 s'],
    [59.6, '1 min 0 s'],
    [185, '3 min 5 s'],
    [7_805, '2 h 10 min'],
    [273_600, '3 d 4 h'],
  ])('%d seconds are %s', (value, words) => {
    expect(seconds(value)).toBe(words);
  });

  it('the steps of an axis of bytes are whole', () => {
    expect(BYTE_STEPS.map(bytes).filter((words) => /\.[1-9]/.test(words))).toEqual([]);
    expect(BYTE_STEPS).toEqual(BYTE_STEPS.toSorted((a, b) => a - b));
  });

  it('large counts are grouped, and what is counted is in the plural', () => {
    expect(count(1_234_567.8)).toBe('1,234,568');
    expect([plural(1, 'table'), plural(0, 'table'), plural(2_000, 'table')]).toEqual([
      '1 table',
      '0 tables',
      '2,000 tables',
    ]);
  });

  it('what is not known is a dash, and nought is known', () => {
    expect([known(null, bytes), known(undefined, bytes), known(0, bytes)]).toEqual([
      '–',
      '–',
      '0 B',
    ]);
  });
});

describe('words for times', () => {
  it('a time of today has no date, another one has', () => {
    const now = new Date();
    expect(moment(now.toISOString())).toBe(now.toLocaleTimeString());
    expect(moment('2001-02-03T04:05:06Z')).toContain('2001');
  });

  it('an axis of minutes has seconds, one of hours has none', () => {
    const noon = new Date(2026, 0, 1, 13, 5, 9).getTime();
    expect(clockWords(noon, 60_000)).toBe('13:05:09');
    expect(clockWords(noon, 3_600_000)).toBe('13:05');
  });
});

describe('the name of a table', () => {
  it('is written as the gateway writes it', () => {
    expect(qualifiedName('public', 'Users')).toBe('public.Users');
    expect(qualifiedName('my.schema', 'a "b" c')).toBe('"my.schema"."a ""b"" c"');
  });
});
