/**
 * Writes COPY text bytes. PostgreSQL's text output comes in as bytes and goes out as bytes: a value never becomes a string.
 */

/** `\N` and the tab or newline after it are the most that a column without a value takes. */
export const NULL_COLUMN_BYTES = 3;

/**
 * Copies a value and escapes what COPY text escapes; returns the offset after it. The caller has made room for twice the
 * value, which is the most that it can grow to.
 */
export function writeEscaped(
  out: Uint8Array,
  outAt: number,
  bytes: Uint8Array,
  start: number,
  end: number,
): number {
  if (end - start > SHORT_VALUE_BYTES) return writeLongEscaped(out, outAt, bytes, start, end);
  let at = outAt;
  for (let index = start; index < end; index++) {
    const byte = bytes[index] as number;
    if (byte > CARRIAGE_RETURN && byte !== BACKSLASH) {
      out[at++] = byte;
      continue;
    }
    const letter = escapeLetter(byte);
    if (letter !== 0) {
      out[at++] = BACKSLASH;
      out[at++] = letter;
    } else {
      out[at++] = byte;
    }
  }
  return at;
}

/** Long values are copied range by range, from one byte that needs an escape to the next. */
function writeLongEscaped(
  out: Uint8Array,
  outAt: number,
  bytes: Uint8Array,
  start: number,
  end: number,
): number {
  let at = outAt;
  let from = start;
  for (let index = start; index < end; index++) {
    const byte = bytes[index] as number;
    if (byte > CARRIAGE_RETURN && byte !== BACKSLASH) continue;
    const letter = escapeLetter(byte);
    if (letter === 0) continue;
    out.set(bytes.subarray(from, index), at);
    at += index - from;
    out[at++] = BACKSLASH;
    out[at++] = letter;
    from = index + 1;
  }
  out.set(bytes.subarray(from, end), at);
  return at + end - from;
}

/** The letter after the backslash, or 0 for a byte that stands for itself. */
function escapeLetter(byte: number): number {
  switch (byte) {
    case BACKSLASH:
      return BACKSLASH;
    case TAB:
      return LETTER_T;
    case NEWLINE:
      return LETTER_N;
    case CARRIAGE_RETURN:
      return LETTER_R;
    default:
      return 0;
  }
}

/** Writes `\N`; returns the offset after it. */
export function writeNull(out: Uint8Array, at: number): number {
  out[at] = BACKSLASH;
  out[at + 1] = CAPITAL_N;
  return at + 2;
}

/** Writes a non-negative whole number; returns the offset after it. */
export function writeDecimal(out: Uint8Array, at: number, value: number): number {
  let digits = 1;
  for (let bound = 10; value >= bound; bound *= 10) digits++;
  let rest = value;
  for (let index = at + digits - 1; index >= at; index--) {
    const next = Math.floor(rest / 10);
    out[index] = ZERO + (rest - next * 10);
    rest = next;
  }
  return at + digits;
}

/** Writes text that holds only ASCII and nothing to escape; returns the offset after it. */
export function writeAscii(out: Uint8Array, outAt: number, text: string): number {
  for (let index = 0; index < text.length; index++) out[outAt + index] = text.charCodeAt(index);
  return outAt + text.length;
}

/** Below this a byte loop is faster than finding ranges and copying them. */
const SHORT_VALUE_BYTES = 96;

export const TAB = 0x09;
export const NEWLINE = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const ZERO = 0x30;
const BACKSLASH = 0x5c;
const CAPITAL_N = 0x4e;
const LETTER_N = 0x6e;
const LETTER_R = 0x72;
const LETTER_T = 0x74;
