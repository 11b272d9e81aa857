import { describe, expect, it } from 'vitest';
import { matchesName, parseNamePattern, standsForMany } from '../src/index.js';

function matches(pattern: string, schema: string, table: string): boolean {
  const parsed = parseNamePattern(pattern);
  if (!parsed) throw new Error(`${pattern} is not a pattern`);
  return matchesName(parsed, { schema, table });
}

describe('a name pattern', () => {
  it('is two parts, and stands for many only where a bare one holds a star', () => {
    expect(parseNamePattern('"a.b"."c*"')).toEqual({
      schema: { text: 'a.b', isPattern: false },
      table: { text: 'c*', isPattern: false },
    });
    expect(parseNamePattern('Sales.ord*')?.table).toEqual({ text: 'ord*', isPattern: true });
    expect(parseNamePattern('a.b.c')).toBeUndefined();
    expect(parseNamePattern('')).toBeUndefined();
    expect(['a.*', '*.b', 'a."*"', 'a.b'].map(standsForMany)).toEqual([true, true, false, false]);
  });

  it('matches as a whole, with every sign but the star taken literally, and the case of the catalog', () => {
    expect(matches('*.a+*', 'a.b', 'a+bc')).toBe(true);
    expect(matches('public.a+*', 'public', 'aabc')).toBe(false);
    expect(matches('public.*', 'public', 'line\nbreak')).toBe(true);
    expect(matches('public.*', 'publication', 'a')).toBe(false);
    expect(matches('public."a*"', 'public', 'ab')).toBe(false);
    expect(matches('public."Odd"', 'public', 'Odd')).toBe(true);
    expect(matches('public.odd', 'public', 'Odd')).toBe(false);
  });

  it('finds its pieces in their order, without one sign counted twice', () => {
    expect(matches('s.log_*_old', 's', 'log_2024_old')).toBe(true);
    expect(matches('s.log_*_old', 's', 'log_old')).toBe(false);
    expect(matches('s.*a*b*', 's', 'xaxbx')).toBe(true);
    expect(matches('s.*a*b*', 's', 'ba')).toBe(false);
    expect(matches('s.*aba', 's', 'ababa')).toBe(true);
    expect(matches('s.a*a', 's', 'a')).toBe(false);
    // Many stars over a long name are no work.
    expect(matches(`s.${'*a'.repeat(30)}b`, 's', 'a'.repeat(63))).toBe(false);
  });
});
