import type { Lsn } from '@bunnydb/pg-model';
import type { BatchAssembler } from './batch-assembler.js';
import type { Relation } from './relation.js';
import type { Op } from './row-writer.js';
import { SplitRow } from './split-row.js';
import { ColumnKind, TupleKind, malformedTuple } from './tuple-format.js';
import { type TupleEvents, TupleStream } from './tuple-stream.js';

/**
 * Where a change is laid aside whose wire form cannot be written while it comes in.
 *
 * An insert or a delete has nothing before its columns that depends on them, so it passes straight through. An update
 * does: the list of unchanged columns comes first on the wire and last out of PostgreSQL, and its old row comes
 * first out of PostgreSQL and last on the wire. So an update that is larger than a message is laid aside and written
 * when it is complete, piece by piece: no value is ever whole in memory.
 */
export interface Spool {
  write(bytes: Uint8Array, start: number, end: number): void;
  /** Bytes from an offset on, at most so many; valid until the next call. */
  read(offset: number, bytesMax: number): Uint8Array;
  clear(): void;
}

/** Which change is large. */
export interface LargeChangeHead {
  readonly op: Op;
  readonly relation: Relation;
  readonly commitLsn: Lsn;
}

/** An insert or a delete on its way through. */
export class PassingRow {
  readonly #stream: TupleStream;

  constructor(assembler: BatchAssembler, head: LargeChangeHead) {
    const row = new SplitRow(assembler, { ...head, hasOld: false, unchanged: '\\N' });
    this.#stream = new TupleStream(writingTo(row, head.relation.carried, () => row.end()));
  }

  push(bytes: Uint8Array, start: number, end: number): void {
    this.#stream.push(bytes, start, end);
  }

  end(): void {
    if (!this.#stream.isComplete) throw malformedTuple();
  }
}

/** An update that is laid aside and written when it is complete. */
export class SpooledUpdate {
  readonly #assembler: BatchAssembler;
  readonly #head: LargeChangeHead;
  readonly #spool: Spool;
  readonly #stream: TupleStream;
  readonly #unchanged: number[] = [];
  #length = 0;
  /** Offsets of the tuples' kind letters; -1 if there is none. */
  #oldStart = -1;
  #newStart = -1;

  constructor(assembler: BatchAssembler, head: LargeChangeHead, spool: Spool) {
    this.#assembler = assembler;
    this.#head = head;
    this.#spool = spool;
    this.#stream = new TupleStream(this.#survey());
  }

  push(bytes: Uint8Array, start: number, end: number): void {
    this.#stream.push(bytes, start, end);
    this.#spool.write(bytes, start, end);
    this.#length += end - start;
  }

  /** Writes the row; a step is one read of the spool, so that the caller can wait for room between two. */
  *write(): Generator<void, void, void> {
    if (!this.#stream.isComplete || this.#newStart < 0) throw malformedTuple();
    const hasOld = this.#oldStart >= 0;
    const unchanged = this.#unchanged.length > 0 ? this.#unchanged.join(',') : '\\N';
    const row = new SplitRow(this.#assembler, { ...this.#head, hasOld, unchanged });
    const { carried, oldKey } = this.#head.relation;
    yield* this.#writeTuple(row, carried, this.#newStart, this.#length);
    // The old tuple comes before the new one and ends where that starts.
    if (hasOld) yield* this.#writeTuple(row, oldKey, this.#oldStart, this.#newStart);
    row.end();
    this.#spool.clear();
  }

  *#writeTuple(
    row: SplitRow,
    mask: Uint8Array,
    start: number,
    end: number,
  ): Generator<void, void, void> {
    const stream = new TupleStream(writingTo(row, mask));
    let at = start;
    while (at < end) {
      const bytes = this.#spool.read(at, Math.min(end - at, STEP_BYTES));
      if (bytes.length === 0) throw malformedTuple();
      stream.push(bytes, 0, bytes.length);
      at += bytes.length;
      yield;
    }
  }

  /** The first reading: where the tuples are, and which columns of the new one are unchanged. */
  #survey(): TupleEvents {
    const { carried } = this.#head.relation;
    let isNew = false;
    let position = 0;
    return {
      tuple: (kind, columns, offset) => {
        if (columns !== carried.length) throw malformedTuple();
        isNew = kind === TupleKind.New;
        position = 0;
        if (isNew) this.#newStart = offset - 1;
        else this.#oldStart = offset - 1;
      },
      emptyColumn: (index, kind) => {
        if (carried[index] !== 1) return;
        position++;
        if (isNew && kind === ColumnKind.Unchanged) this.#unchanged.push(position);
      },
      value: (index) => {
        if (carried[index] === 1) position++;
      },
      valueBytes: () => undefined,
      end: () => undefined,
    };
  }
}

/** Writes the picked columns of one tuple to a row. */
function writingTo(row: SplitRow, mask: Uint8Array, onEnd?: () => void): TupleEvents {
  return {
    tuple: (_kind, columns) => {
      if (columns !== mask.length) throw malformedTuple();
    },
    emptyColumn: (index) => {
      if (mask[index] === 1) row.ascii('\t\\N');
    },
    value: (index) => {
      if (mask[index] === 1) row.ascii('\t');
    },
    valueBytes: (index, bytes, start, end) => {
      if (mask[index] === 1) row.value(bytes, start, end);
    },
    end: () => onEnd?.(),
  };
}

/** A spool in memory, for changes that came in as one piece and for tests. */
export class MemorySpool implements Spool {
  #bytes = new Uint8Array(0);

  write(bytes: Uint8Array, start: number, end: number): void {
    const grown = new Uint8Array(this.#bytes.length + end - start);
    grown.set(this.#bytes);
    grown.set(bytes.subarray(start, end), this.#bytes.length);
    this.#bytes = grown;
  }

  read(offset: number, bytesMax: number): Uint8Array {
    return this.#bytes.subarray(offset, offset + bytesMax);
  }

  clear(): void {
    this.#bytes = new Uint8Array(0);
  }
}

const STEP_BYTES = 128 * 1024;
