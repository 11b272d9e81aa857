declare const lsnBrand: unique symbol;

/** A PostgreSQL log sequence number: a byte position in the WAL, 64 bits, unsigned. */
export type Lsn = bigint & { readonly [lsnBrand]: 'Lsn' };

/** The invalid LSN `0/0`, which PostgreSQL never assigns to a record. */
export const ZERO_LSN = 0n as Lsn;

const LSN_PATTERN = /^([0-9A-Fa-f]{1,8})\/([0-9A-Fa-f]{1,8})$/;

/**
 * Parses PostgreSQL's text form (`16/B374D848`, two hexadecimal halves of 32 bits).
 *
 * @throws RangeError when the text is not an LSN.
 */
export function parseLsn(text: string): Lsn {
  const match = LSN_PATTERN.exec(text);
  if (!match) throw new RangeError('not an LSN: expected two hexadecimal numbers like 16/B374D848');
  return ((BigInt(`0x${match[1]}`) << 32n) | BigInt(`0x${match[2]}`)) as Lsn;
}

/** Prints an LSN as PostgreSQL does: `16/B374D848`. */
export function formatLsn(lsn: Lsn): string {
  return `${(lsn >> 32n).toString(16).toUpperCase()}/${(lsn & 0xffffffffn).toString(16).toUpperCase()}`;
}

/** Makes an LSN of a 64-bit unsigned number, as read from the replication protocol. */
export function lsnFromBigInt(value: bigint): Lsn {
  if (value < 0n || value > 0xffffffffffffffffn) throw new RangeError('an LSN has 64 bits');
  return value as Lsn;
}

/** Negative when `a` comes before `b`, zero when they are equal, positive otherwise. */
export function compareLsn(a: Lsn, b: Lsn): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** The later of two LSNs. */
export function maxLsn(a: Lsn, b: Lsn): Lsn {
  return a > b ? a : b;
}
