import { NEWLINE, TAB, columnsStart, rowEnd } from './copy-line.js';

/**
 * Hands out the rows of a payload without `op`, `seq` and `unchanged`, so that they can go straight into the table's COPY. A block of rows is
 * copied into the target at once and closed up there, which is several times faster than copying row by row.
 */
export class RowStripper {
  readonly #payload: Uint8Array;
  #at = 0;

  constructor(payload: Uint8Array) {
    this.#payload = payload;
  }

  get isDone(): boolean {
    return this.#at >= this.#payload.length;
  }

  /** Writes whole rows to the target, from `start` on and not beyond `end`; returns where it stopped. */
  fill(target: Uint8Array, start: number, end: number): number {
    const blockBytes = Math.min(end - start, this.#payload.length - this.#at);
    const blockEnd = start + blockBytes;
    target.set(this.#payload.subarray(this.#at, this.#at + blockBytes), start);
    let read = start;
    let write = start;
    for (;;) {
      const columns = findColumns(target, read, blockEnd);
      const newline = columns < blockEnd ? target.indexOf(NEWLINE, columns) : -1;
      if (newline < 0 || newline >= blockEnd) break;
      target.copyWithin(write, columns, newline + 1);
      write += newline + 1 - columns;
      read = newline + 1;
    }
    this.#at += read - start;
    return write;
  }

  /** The next row by itself, for when it does not fit into any target. */
  takeRow(): Uint8Array {
    const columns = columnsStart(this.#payload, this.#at);
    this.#at = rowEnd(this.#payload, columns);
    return this.#payload.subarray(columns, this.#at);
  }
}

/** Like `columnsStart`, for a block that may end anywhere: what lies behind its end is not looked at. */
function findColumns(bytes: Uint8Array, at: number, end: number): number {
  let index = at + 2;
  while (index < end && bytes[index] !== TAB) index += 1;
  index += 1;
  while (index < end && bytes[index] !== TAB && bytes[index] !== NEWLINE) index += 1;
  return bytes[index] === TAB ? index + 1 : index;
}
