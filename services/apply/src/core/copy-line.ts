import { MirrorError } from '@bunnydb/failure';

/**
 * Reading rows of a table message as bytes. A row is `op ⇥ seq ⇥ unchanged ⇥ columns … [⇥ old key …] ⏎`; inside a value tab and
 * newline are escaped, so that the bare bytes only ever separate. Values are never decoded here.
 */
export const TAB = 9;
export const NEWLINE = 10;
const BACKSLASH = 92;
const LETTER_N = 78;
const ZERO = 48;

export const OP_INSERT = 73;
export const OP_UPDATE = 85;
export const OP_DELETE = 68;

/** Where the next row starts. */
export function rowEnd(bytes: Uint8Array, at: number): number {
  const newline = bytes.indexOf(NEWLINE, at);
  if (newline < 0) throw malformedRow();
  return newline + 1;
}

/** Where the field that starts at `at` ends: the index of its tab or newline. */
export function fieldEnd(bytes: Uint8Array, at: number): number {
  let end = at;
  for (;;) {
    const byte = bytes[end];
    if (byte === TAB || byte === NEWLINE) return end;
    if (byte === undefined) throw malformedRow();
    end += 1;
  }
}

/** The number of a change, of the row that starts at `at`. */
export function readSeq(bytes: Uint8Array, at: number): number {
  let seq = 0;
  for (let index = at + 2; ; index++) {
    const digit = (bytes[index] ?? TAB) - ZERO;
    if (digit < 0 || digit > 9) return seq;
    seq = seq * 10 + digit;
  }
}

/** Where the third field, `unchanged`, starts. */
export function unchangedStart(bytes: Uint8Array, at: number): number {
  return fieldEnd(bytes, at + 2) + 1;
}

/** Where the first column starts; for a table without columns, the row's newline. */
export function columnsStart(bytes: Uint8Array, at: number): number {
  const end = fieldEnd(bytes, unchangedStart(bytes, at));
  return bytes[end] === TAB ? end + 1 : end;
}

/** Whether the field holds NULL. */
export function isNull(bytes: Uint8Array, start: number, end: number): boolean {
  return end - start === 2 && bytes[start] === BACKSLASH && bytes[start + 1] === LETTER_N;
}

/** The value of a field as the server's input function wants it, or null. Without an escape it is a view, not a copy. */
export function readValue(bytes: Uint8Array, start: number, end: number): Uint8Array | null {
  if (isNull(bytes, start, end)) return null;
  const field = bytes.subarray(start, end);
  return field.includes(BACKSLASH) ? unescape(field) : field;
}

/** The positions (from 0) that a row lists as unchanged. */
export function readUnchanged(bytes: Uint8Array, at: number): readonly number[] {
  const start = unchangedStart(bytes, at);
  const end = fieldEnd(bytes, start);
  if (isNull(bytes, start, end)) return NOTHING;
  return new TextDecoder()
    .decode(bytes.subarray(start, end))
    .split(',')
    .map((position) => Number(position) - 1);
}

/** A row that has another shape than its headers say. */
export function malformedRow(): MirrorError {
  return new MirrorError('protocol_violation', 'a row of the change stream is malformed');
}

function unescape(field: Uint8Array): Uint8Array {
  const value = new Uint8Array(field.length);
  let length = 0;
  for (let index = 0; index < field.length; index++) {
    let byte = field[index] ?? 0;
    if (byte === BACKSLASH) {
      index += 1;
      const escaped = field[index] ?? BACKSLASH;
      byte = UNESCAPED.get(escaped) ?? escaped;
    }
    value[length++] = byte;
  }
  return value.subarray(0, length);
}

const NOTHING: readonly number[] = [];
/** b, f, n, r, t and v, as COPY writes control characters. */
const UNESCAPED: ReadonlyMap<number, number> = new Map([
  [98, 8],
  [102, 12],
  [110, 10],
  [114, 13],
  [116, 9],
  [118, 11],
]);
