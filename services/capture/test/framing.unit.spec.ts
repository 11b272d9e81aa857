import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { PgoutputDecoder } from '../src/core/pgoutput-decoder.js';
import { LARGE_HEAD_BYTES } from '../src/core/pgoutput-decoder.js';
import { coreOf } from './memory-sink.js';
import { type Value, begin, commit, insert, relation, remove, update } from './pgoutput-bytes.js';
import type { Change } from './stored-changes.js';

const TABLE = 7;
const COLUMNS = ['a', 'b', 'c'].map((name, index) => ({ name, isKey: index === 0 }));

type Step =
  | { readonly op: 'I'; readonly row: readonly (string | null)[] }
  | { readonly op: 'U'; readonly row: readonly Value[]; readonly old: string | undefined }
  | { readonly op: 'D'; readonly key: string };

/** Text as PostgreSQL sends it: anything but NUL, rich in what has to be escaped. */
const text = fc
  .string({
    unit: fc.constantFrom('a', '\t', '\n', '\r', '\\', 'N', '.', 'é', '🐇', ' ', '\b', '\x7f'),
    maxLength: 400,
  })
  .map((value) => value.repeat(value.length % 3 === 0 ? 3 : 1));
const nullable = fc.option(text);
const unchangeable = fc.oneof(nullable, fc.constant(undefined));

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ op: fc.constant('I' as const), row: fc.tuple(text, nullable, nullable) }),
  fc.record({
    op: fc.constant('U' as const),
    row: fc.tuple(text, unchangeable, unchangeable),
    old: fc.option(text, { nil: undefined }),
  }),
  fc.record({ op: fc.constant('D' as const), key: text }),
);

function encode(one: Step): Buffer {
  switch (one.op) {
    case 'I':
      return insert(TABLE, one.row);
    case 'U':
      return update(TABLE, one.row, one.old === undefined ? undefined : [one.old, null, null]);
    case 'D':
      return remove(TABLE, [one.key, null, null]);
  }
}

function expected(one: Step): Omit<Change, 'table'> {
  switch (one.op) {
    case 'I':
      return { op: 'I', unchanged: null, columns: one.row, old: [] };
    case 'U': {
      const unchanged = one.row.flatMap((value, index) => (value === undefined ? [index + 1] : []));
      return {
        op: 'U',
        unchanged: unchanged.length > 0 ? unchanged.join(',') : null,
        columns: one.row.map((value) => value ?? null),
        old: one.old === undefined ? [] : [one.old],
      };
    }
    case 'D':
      return { op: 'D', unchanged: null, columns: [one.key, null, null], old: [] };
  }
}

/** Hands a change over in pieces of a size, as the frame reader does with a large one. */
function pushLarge(decoder: PgoutputDecoder, bytes: Buffer, pieceBytes: number): void {
  decoder.largeStart(bytes, 0);
  for (let at = LARGE_HEAD_BYTES; at < bytes.length; at += pieceBytes) {
    decoder.largePiece(bytes, at, Math.min(bytes.length, at + pieceBytes));
  }
  decoder.largeEnd();
  while (decoder.isWriting) decoder.step();
}

function run(
  steps: readonly Step[],
  messageBytesMax: number,
  push: (decoder: PgoutputDecoder, bytes: Buffer, index: number) => void,
): Change[] {
  const { sink, assembler, decoder } = coreOf({ limits: { messageBytesMax } });
  const whole = (bytes: Buffer): boolean => decoder.message(bytes, 0, bytes.length);
  whole(begin(100n, 1));
  whole(relation(TABLE, 'public', 't', 'd', COLUMNS));
  steps.forEach((one, index) => push(decoder, encode(one), index));
  whole(commit(100n, 120n));
  assembler.close();
  for (const { payload } of sink.messages)
    expect(payload.length).toBeLessThanOrEqual(messageBytesMax);
  return sink.changes;
}

describe('framing', () => {
  const wanted = (steps: readonly Step[]): Change[] =>
    steps.map((one) => ({ table: 'public.t', ...expected(one) }));

  it('any rows read back as they were, whatever a message holds', () => {
    fc.assert(
      fc.property(
        fc.array(step, { minLength: 1, maxLength: 20 }),
        fc.constantFrom(300, 1_000, 8_192),
        (steps, messageBytesMax) => {
          const found = run(steps, messageBytesMax, (decoder, bytes) => {
            decoder.message(bytes, 0, bytes.length);
          });
          expect(found).toEqual(wanted(steps));
        },
      ),
      { numRuns: 300 },
    );
  });

  it('a change that comes in pieces reads back as it was', () => {
    fc.assert(
      fc.property(
        fc.array(step, { minLength: 1, maxLength: 8 }),
        fc.integer({ min: 1, max: 500 }),
        fc.constantFrom(300, 8_192),
        (steps, pieceBytes, messageBytesMax) => {
          const found = run(steps, messageBytesMax, (decoder, bytes, index) => {
            if (index % 2 === 0) pushLarge(decoder, bytes, pieceBytes);
            else decoder.message(bytes, 0, bytes.length);
          });
          expect(found).toEqual(wanted(steps));
        },
      ),
      { numRuns: 200 },
    );
  });

  it.each([
    ['an end-of-data mark', '\\.'],
    ['the text of a null', '\\N'],
    ['nothing', ''],
    ['a backslash at the end', 'x\\'],
    ['a long run of escapes', '\t'.repeat(5_000)],
    ['an escape at the edge of short values', `${'x'.repeat(95)}\n`],
    ['an escape at the edge of long values', `${'x'.repeat(97)}\\`],
  ])('%s is a value like any other', (_, value) => {
    const steps: Step[] = [{ op: 'I', row: [value, value, null] }];
    const found = run(steps, 1_024, (decoder, bytes) => {
      decoder.message(bytes, 0, bytes.length);
    });
    expect(found).toEqual(wanted(steps));
  });

  it('a tuple that is cut off is refused instead of guessed at', () => {
    const { decoder } = coreOf();
    const whole = (bytes: Buffer): boolean => decoder.message(bytes, 0, bytes.length);
    whole(begin(100n, 1));
    whole(relation(TABLE, 'public', 't', 'd', COLUMNS));
    const bytes = insert(TABLE, ['abc', 'def', 'ghi']);
    expect(() => decoder.message(bytes, 0, bytes.length - 2)).toThrow('malformed tuple');
    const wrongCount = insert(TABLE, ['abc']);
    expect(() => whole(wrongCount)).toThrow('malformed tuple');
    const unchangedInsert = insert(TABLE, ['abc', undefined, null]);
    expect(() => whole(unchangedInsert)).toThrow('malformed tuple');
  });
});
