/** The few values of ASN.1 that a certificate is made of, in their DER encoding. */

export const sequence = (...parts: readonly Buffer[]): Buffer => value(0x30, Buffer.concat(parts));
export const set = (...parts: readonly Buffer[]): Buffer => value(0x31, Buffer.concat(parts));
export const boolean = (yes: boolean): Buffer => value(0x01, Buffer.from([yes ? 0xff : 0]));
export const octets = (bytes: Buffer): Buffer => value(0x04, bytes);
export const text = (plain: string): Buffer => value(0x0c, Buffer.from(plain, 'utf8'));
/** A bit string of whole bytes. */
export const bits = (bytes: Buffer): Buffer =>
  value(0x03, Buffer.concat([Buffer.from([0]), bytes]));
/** Wraps a value in a context tag. */
export const tagged = (tag: number, inner: Buffer): Buffer => value(0xa0 + tag, inner);
/** Bytes whose kind the context tag stands for. */
export const implicit = (tag: number, bytes: Buffer): Buffer => value(0x80 + tag, bytes);

/** A number that is not negative, most significant byte first. */
export function integer(bytes: Buffer): Buffer {
  const trimmed = bytes.subarray(bytes.findIndex((byte) => byte !== 0));
  const isNegative = ((trimmed[0] ?? 0) & 0x80) !== 0;
  return value(0x02, isNegative ? Buffer.concat([Buffer.from([0]), trimmed]) : trimmed);
}

export function oid(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number);
  const bytes = [first * 40 + second];
  for (const part of rest) {
    const groups = [part & 0x7f];
    for (let left = part >> 7; left > 0; left >>= 7) groups.unshift((left & 0x7f) | 0x80);
    bytes.push(...groups);
  }
  return value(0x06, Buffer.from(bytes));
}

/** Seconds are enough; UTCTime holds years up to 2049. */
export function time(at: Date): Buffer {
  const digits = at.toISOString().replaceAll(/[-:T]/g, '').slice(2, 14);
  return value(0x17, Buffer.from(`${digits}Z`, 'ascii'));
}

function value(tag: number, content: Buffer): Buffer {
  return Buffer.concat([Buffer.from([tag]), lengthOf(content.length), content]);
}

function lengthOf(length: number): Buffer {
  if (length < 0x80) return Buffer.from([length]);
  const bytes: number[] = [];
  for (let left = length; left > 0; left >>= 8) bytes.unshift(left & 0xff);
  return Buffer.from([0x80 + bytes.length, ...bytes]);
}
