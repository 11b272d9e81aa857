import type { QualifiedName } from '@bunnydb/pg-model';
import { type ParkedMessage, encodeParked } from './parked-message.js';

/**
 * `COPY … (format binary)` of parked messages: payloads go as they are, where text would double them. See "Binary Format" in PostgreSQL's
 * documentation of COPY.
 */
export const PARKED_COLUMNS = [
  'mirror_id',
  'source_schema',
  'source_table',
  'first_lsn',
  'last_lsn',
  'head',
  'transactions',
  'payload',
] as const;

/** What comes before the first tuple: signature, flags, no extension. */
export const BINARY_COPY_START = Uint8Array.of(
  ...[0x50, 0x47, 0x43, 0x4f, 0x50, 0x59, 0x0a, 0xff, 0x0d, 0x0a, 0x00],
  ...[0, 0, 0, 0, 0, 0, 0, 0],
);
/** What comes after the last one. */
export const BINARY_COPY_END = Uint8Array.of(0xff, 0xff);

/** A parked message's tuple up to its payload, which follows as it is. */
export function parkedTuple(
  mirrorId: string,
  table: QualifiedName,
  parked: ParkedMessage,
): Uint8Array {
  const { head, payload } = parked.message;
  const stored = encodeParked(parked);
  const texts = [mirrorId, table.schema, table.table].map((text) => ENCODER.encode(text));
  const fields = [
    ...texts,
    lsnBytes(head.firstLsn),
    lsnBytes(head.lastLsn),
    ENCODER.encode(stored.head),
    ENCODER.encode(stored.transactions),
  ];
  const size = fields.reduce((sum, field) => sum + 4 + field.length, 2 + 4);
  const tuple = new Uint8Array(size);
  const view = new DataView(tuple.buffer);
  view.setInt16(0, PARKED_COLUMNS.length);
  let at = 2;
  for (const field of fields) {
    view.setInt32(at, field.length);
    tuple.set(field, at + 4);
    at += 4 + field.length;
  }
  view.setInt32(at, payload.length);
  return tuple;
}

function lsnBytes(lsn: bigint): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, lsn);
  return bytes;
}

const ENCODER = new TextEncoder();
