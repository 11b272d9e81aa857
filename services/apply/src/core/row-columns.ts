import { NEWLINE, TAB, columnsStart, fieldEnd, readSeq, rowEnd } from './copy-line.js';

/** Collects rows without their prefix, and with only the columns that the destination takes. */
export class RowCollector {
  readonly #kept: readonly boolean[];
  readonly #keepsAll: boolean;
  #buffer: Uint8Array;
  #length = 0;

  /** @param kept by position of the payload's columns: whether the destination takes it. Old-key columns are always cut. */
  constructor(kept: readonly boolean[], capacity: number) {
    this.#kept = kept;
    this.#keepsAll = kept.every(Boolean);
    this.#buffer = new Uint8Array(capacity);
  }

  get bytes(): Uint8Array {
    return this.#buffer.subarray(0, this.#length);
  }

  /** Adds the row that starts at `at` and ends before `end`. */
  add(bytes: Uint8Array, at: number, end: number, hasOld: boolean): void {
    this.#reserve(end - at);
    const start = columnsStart(bytes, at);
    if (this.#keepsAll && !hasOld) this.#append(bytes, start, end);
    else this.#addProjected(bytes, start);
  }

  #addProjected(bytes: Uint8Array, start: number): void {
    let at = start;
    let isFirst = true;
    for (const isKept of this.#kept) {
      const end = fieldEnd(bytes, at);
      if (isKept) {
        if (!isFirst) this.#buffer[this.#length++] = TAB;
        isFirst = false;
        this.#append(bytes, at, end);
      }
      at = end + 1;
    }
    this.#buffer[this.#length++] = NEWLINE;
  }

  #append(bytes: Uint8Array, start: number, end: number): void {
    this.#buffer.set(bytes.subarray(start, end), this.#length);
    this.#length += end - start;
  }

  #reserve(bytes: number): void {
    if (this.#length + bytes <= this.#buffer.length) return;
    const larger = new Uint8Array(Math.max(this.#buffer.length * 2, this.#length + bytes));
    larger.set(this.#buffer.subarray(0, this.#length));
    this.#buffer = larger;
  }
}

/** Where the first row from `at` on starts whose `seq` is above `lastSeq`; the rows before are those up to it. */
export function endOfRowsUpTo(payload: Uint8Array, at: number, lastSeq: number): number {
  let end = at;
  while (end < payload.length && readSeq(payload, end) <= lastSeq) end = rowEnd(payload, end);
  return end;
}

/** The rows whose `seq` is above `skippedSeq`; the others are applied already or are in the copy. */
export function rowsAfter(payload: Uint8Array, skippedSeq: number): Uint8Array {
  // Rows of a message are in order of seq, so that what is kept is its end.
  return payload.subarray(endOfRowsUpTo(payload, 0, skippedSeq));
}
