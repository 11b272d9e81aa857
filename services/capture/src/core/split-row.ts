import type { Lsn } from '@bunnydb/pg-model';
import type { BatchAssembler } from './batch-assembler.js';
import { writeAscii, writeEscaped } from './copy-text-writer.js';
import type { Relation } from './relation.js';
import { type Op, count } from './row-writer.js';
import type { TableMessageBuffer } from './table-message-buffer.js';

/** Which row is written in pieces. */
export interface SplitRowHead {
  readonly op: Op;
  readonly relation: Relation;
  readonly hasOld: boolean;
  readonly commitLsn: Lsn;
  /** Positions of unchanged TOAST columns, or `\N`. */
  readonly unchanged: string;
}

/**
 * Writes one row over as many messages as it takes. Its first message starts with the row and its last ends with it, and
 * the pieces between leave as they fill, so that they are neighbours in the stream.
 */
export class SplitRow {
  readonly #assembler: BatchAssembler;
  readonly #head: SplitRowHead;
  #piece: TableMessageBuffer;

  constructor(assembler: BatchAssembler, head: SplitRowHead) {
    this.#assembler = assembler;
    this.#head = head;
    this.#piece = this.#startPiece();
    const seq = assembler.nextSeq();
    this.#piece.startRow(seq, head.commitLsn);
    count(this.#piece, head.op);
    this.ascii(`${String.fromCharCode(head.op)}\t${seq}\t${head.unchanged}`);
  }

  /** Text that needs no escape. */
  ascii(text: string): void {
    this.#reserve(text.length);
    this.#piece.length = writeAscii(this.#piece.bytes, this.#piece.length, text);
  }

  /** Bytes of a value. */
  value(bytes: Uint8Array, start: number, end: number): void {
    let at = start;
    while (at < end) {
      this.#reserve(ROOM_BYTES_MIN);
      const piece = this.#piece;
      // Half of the room: escaped, a slice may grow to twice its size.
      const until = Math.min(end, at + ((piece.bytes.length - piece.length) >> 1));
      piece.length = writeEscaped(piece.bytes, piece.length, bytes, at, until);
      at = until;
    }
  }

  end(): void {
    this.ascii('\n');
    this.#assembler.sendPiece(this.#piece);
  }

  #reserve(bytes: number): void {
    if (this.#piece.length + bytes <= this.#piece.bytes.length) return;
    this.#piece.continues = true;
    this.#assembler.sendPiece(this.#piece);
    this.#piece = this.#startPiece();
  }

  #startPiece(): TableMessageBuffer {
    const { relation, hasOld, commitLsn, unchanged } = this.#head;
    const piece = this.#assembler.startPiece(relation, hasOld);
    piece.firstLsn = commitLsn;
    piece.lastLsn = commitLsn;
    piece.hasUnchanged = unchanged !== '\\N';
    return piece;
  }
}

/** A message with less room than this is full. */
const ROOM_BYTES_MIN = 64;
