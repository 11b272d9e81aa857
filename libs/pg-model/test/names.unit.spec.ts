import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  formatQualifiedName,
  parseQualifiedName,
  quoteQualifiedName,
} from '../src/qualified-name.js';
import { quoteIdentifier, quoteLiteral } from '../src/quoting.js';
import { isReplicaIdentity } from '../src/replica-identity.js';

const identifier = fc.oneof(
  fc.string({ unit: 'binary', minLength: 1, maxLength: 63 }).map(withoutNul),
  fc.string({ unit: fc.constantFrom('"', '.', ' ', '\n', '%', 'A', 'é', '*', '>'), minLength: 1 }),
);
const name = fc.record({ schema: identifier, table: identifier });

describe('qualified names', () => {
  test('any two parts survive being printed and read again', () => {
    fc.assert(
      fc.property(name, (it) => {
        expect(parseQualifiedName(formatQualifiedName(it))).toEqual(it);
      }),
    );
  });

  test('two different names never print alike', () => {
    fc.assert(
      fc.property(name, name, (a, b) => {
        fc.pre(a.schema !== b.schema || a.table !== b.table);
        expect(formatQualifiedName(a)).not.toBe(formatQualifiedName(b));
        expect(quoteQualifiedName(a)).not.toBe(quoteQualifiedName(b));
      }),
    );
  });

  test('a plain name prints bare, and only a plain one', () => {
    expect(formatQualifiedName({ schema: 'public', table: 'Users' })).toBe('public.Users');
    expect(formatQualifiedName({ schema: 'a.b', table: 'c d' })).toBe('"a.b"."c d"');
  });

  test.each(['', 'users', 'a.b.c', '.b', 'a.', '"a.b', 'a."b', '"".b', 'a.b."c"'])(
    '%j is refused as a qualified name',
    (text) => {
      expect(() => parseQualifiedName(text)).toThrow(RangeError);
    },
  );
});

describe('quoting', () => {
  test('an identifier is one quoted token, its quotes doubled', () => {
    fc.assert(
      fc.property(identifier, (text) => {
        const quoted = quoteIdentifier(text);
        expect(quoted).toMatch(/^"(?:[^"]|"")*"$/s);
        expect(quoted.slice(1, -1).replaceAll('""', '"')).toBe(text);
      }),
    );
  });

  test('a literal is read back as it was, with and without standard_conforming_strings', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }).map(withoutNul), (text) => {
        const quoted = quoteLiteral(text);
        const inner = quoted.replace(/^ E/, '').slice(1, -1).replaceAll("''", "'");
        const isEscapeForm = quoted.startsWith(' E');
        expect(isEscapeForm).toBe(text.includes('\\'));
        expect(isEscapeForm ? inner.replaceAll('\\\\', '\\') : inner).toBe(text);
      }),
    );
  });

  test('a NUL byte is refused, since no server would take it', () => {
    expect(() => quoteIdentifier('a\0b')).toThrow(RangeError);
    expect(() => quoteLiteral('a\0b')).toThrow(RangeError);
  });
});

test('only the four letters of pg_class.relreplident are replica identities', () => {
  expect(['d', 'f', 'i', 'n'].every(isReplicaIdentity)).toBe(true);
  expect(['', 'D', 'x', 'df'].some(isReplicaIdentity)).toBe(false);
});

function withoutNul(text: string): string {
  return text.replaceAll('\0', '_');
}
