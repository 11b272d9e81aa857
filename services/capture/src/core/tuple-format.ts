import { MirrorError } from '@bunnydb/failure';
import { readUint16, readUint32 } from './big-endian.js';

/** How pgoutput names the tuples of a change. */
export const TupleKind = { Key: 0x4b, Old: 0x4f, New: 0x4e } as const;

export function isOldTuple(kind: number | undefined): boolean {
  return kind === TupleKind.Key || kind === TupleKind.Old;
}

/** How pgoutput tells a column of a tuple. */
export const ColumnKind = { Null: 0x6e, Unchanged: 0x75, Text: 0x74 } as const;

/** Where a tuple ends that starts here; throws if that is beyond `end`. */
export function skipTuple(bytes: Uint8Array, tuple: number, end: number): number {
  const columns = readUint16(bytes, tuple);
  let at = tuple + 2;
  for (let index = 0; index < columns && at < end; index++) {
    at += bytes[at] === ColumnKind.Text ? 5 + readUint32(bytes, at + 1) : 1;
  }
  if (at > end) throw malformedTuple();
  return at;
}

export function malformedTuple(): MirrorError {
  return new MirrorError('protocol_violation', 'pgoutput sent a malformed tuple');
}
