import type { Lsn } from '@bunnydb/pg-model';
import { readUint16, readUint32 } from './big-endian.js';
import {
  NEWLINE,
  NULL_COLUMN_BYTES,
  TAB,
  writeDecimal,
  writeEscaped,
  writeNull,
} from './copy-text-writer.js';
import type { BatchAssembler } from './batch-assembler.js';
import type { Relation } from './relation.js';
import type { TableMessageBuffer } from './table-message-buffer.js';
import { ColumnKind, malformedTuple } from './tuple-format.js';

export const Op = { Insert: 0x49, Update: 0x55, Delete: 0x44 } as const;
export type Op = (typeof Op)[keyof typeof Op];

/**
 * Frames a change into a row of COPY text, straight from pgoutput's tuples. This is the path of nearly every row; a
 * row that no message can hold goes through `SplitRow` instead, which `write` tells by returning false.
 */
export class RowWriter {
  readonly #assembler: BatchAssembler;

  constructor(assembler: BatchAssembler) {
    this.#assembler = assembler;
  }

  /**
   * Writes a change whose tuples lie in one buffer.
   *
   * @param row where the tuple starts whose columns are written: the new row, or the old one of a delete.
   * @param old where the old tuple of an update starts; 0 if PostgreSQL sent none.
   * @returns false, with nothing written, when no message can hold the row.
   */
  write(
    op: Op,
    relation: Relation,
    commitLsn: Lsn,
    bytes: Uint8Array,
    end: number,
    row: number,
    old: number,
  ): boolean {
    const start = old === 0 ? row : old;
    const columns = readUint16(bytes, row);
    const most = 2 * (end - start) + columns * COLUMN_BYTES_MAX + PREFIX_BYTES_MAX;
    const message = this.#assembler.messageFor(relation, old !== 0, most);
    if (!message) return false;
    const seq = this.#assembler.nextSeq();
    message.startRow(seq, commitLsn);
    count(message, op);
    const out = message.bytes;
    let at = message.length;
    out[at++] = op;
    out[at++] = TAB;
    at = writeDecimal(out, at, seq);
    out[at++] = TAB;
    at = op === Op.Update ? this.#unchanged(message, bytes, row, end, at) : writeNull(out, at);
    at = this.#columns(out, at, bytes, row, end, relation.carried, op === Op.Update);
    if (old !== 0) at = this.#columns(out, at, bytes, old, end, relation.oldKey, false);
    out[at++] = NEWLINE;
    this.#assembler.rowWritten(message, at);
    return true;
  }

  /** The list of columns that PostgreSQL left out because their TOASTed value is as it was. */
  #unchanged(
    message: TableMessageBuffer,
    bytes: Uint8Array,
    row: number,
    end: number,
    outAt: number,
  ): number {
    const out = message.bytes;
    const { carried } = message.relation;
    const columns = readUint16(bytes, row);
    let at = outAt;
    let position = 0;
    let from = row + 2;
    for (let index = 0; index < columns; index++) {
      const kind = bytes[from];
      if (carried[index] === 1) position++;
      if (kind === ColumnKind.Text) {
        from += 5 + readUint32(bytes, from + 1);
        continue;
      }
      from++;
      if (kind !== ColumnKind.Unchanged || carried[index] !== 1) continue;
      if (at !== outAt) out[at++] = COMMA;
      at = writeDecimal(out, at, position);
    }
    if (from > end) throw malformedTuple();
    if (at === outAt) return writeNull(out, at);
    message.hasUnchanged = true;
    return at;
  }

  /** Writes the columns of one tuple that the mask picks, a tab before each. */
  #columns(
    out: Uint8Array,
    outAt: number,
    bytes: Uint8Array,
    tuple: number,
    end: number,
    mask: Uint8Array,
    mayBeUnchanged: boolean,
  ): number {
    const columns = readUint16(bytes, tuple);
    if (columns !== mask.length) throw malformedTuple();
    let at = outAt;
    let from = tuple + 2;
    for (let index = 0; index < columns; index++) {
      const kind = bytes[from];
      const picked = mask[index] === 1;
      if (picked) out[at++] = TAB;
      if (kind === ColumnKind.Text) {
        const start = from + 5;
        from = start + readUint32(bytes, from + 1);
        if (from > end) throw malformedTuple();
        if (picked) at = writeEscaped(out, at, bytes, start, from);
      } else if (kind === ColumnKind.Null || (kind === ColumnKind.Unchanged && mayBeUnchanged)) {
        from++;
        if (picked) at = writeNull(out, at);
      } else {
        throw malformedTuple();
      }
    }
    return at;
  }
}

/** Counts a row of this kind in the message where it starts. */
export function count(message: TableMessageBuffer, op: Op): void {
  if (op === Op.Insert) message.inserts++;
  else if (op === Op.Update) message.updates++;
  else message.deletes++;
}

/** Most that a column takes beside its value: a tab, `\N`, and its number in the list of unchanged columns. */
const COLUMN_BYTES_MAX = NULL_COLUMN_BYTES + 6;
/** `op`, `seq`, `unchanged`, their tabs and the newline. */
const PREFIX_BYTES_MAX = 32;
const COMMA = 0x2c;
