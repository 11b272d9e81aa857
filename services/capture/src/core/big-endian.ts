import { type Lsn, lsnFromBigInt } from '@bunnydb/pg-model';

/**
 * Reads of the replication protocol's numbers straight from the bytes: no view object per read, since some of them are
 * made for every row. The caller has checked the bounds; beyond them a byte reads as zero.
 */
export function readUint16(bytes: Uint8Array, at: number): number {
  return ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
}

export function readUint32(bytes: Uint8Array, at: number): number {
  return (
    (((bytes[at] ?? 0) << 24) |
      ((bytes[at + 1] ?? 0) << 16) |
      ((bytes[at + 2] ?? 0) << 8) |
      (bytes[at + 3] ?? 0)) >>>
    0
  );
}

/** An LSN, 64 bits. */
export function readLsn(bytes: Uint8Array, at: number): Lsn {
  // One view serves all LSNs of a chunk.
  if (view.buffer !== bytes.buffer) view = new DataView(bytes.buffer);
  return lsnFromBigInt(view.getBigUint64(bytes.byteOffset + at));
}

let view: DataView = new DataView(new ArrayBuffer(0));

/** A timestamp: microseconds since 2000-01-01 UTC. Exact, since it stays far below 2^53. */
export function readTimestampMicros(bytes: Uint8Array, at: number): number {
  return (readUint32(bytes, at) | 0) * 0x1_0000_0000 + readUint32(bytes, at + 4);
}

/** The offset just after the text that starts here and ends with a zero byte. */
export function endOfText(bytes: Uint8Array, start: number, end: number): number {
  let at = start;
  while (at < end && bytes[at] !== 0) at++;
  return at + 1;
}
