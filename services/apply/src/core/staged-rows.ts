import { readUnchanged } from './copy-line.js';
import type { RowRef } from './row-list.js';

/** Rows for a staging table; neighbours in one payload become one piece, so that an untouched payload is handed on whole. */
export class StagedRows {
  readonly #pieces: Uint8Array[] = [];
  #hasUnchanged = false;
  #payload: Uint8Array | undefined;
  #start = 0;
  #end = 0;

  /** @param merged stands in for the row, if given. */
  add(row: RowRef, merged?: Uint8Array): void {
    const { payload } = row.part;
    this.#hasUnchanged ||= readUnchanged(merged ?? payload, merged ? 0 : row.start).length > 0;
    if (merged) {
      this.#pieces.push(merged);
    } else if (this.#payload === payload && this.#end === row.start) {
      this.#end = row.end;
    } else {
      this.#closeRun();
      this.#payload = payload;
      this.#start = row.start;
      this.#end = row.end;
    }
  }

  get pieces(): readonly Uint8Array[] {
    this.#closeRun();
    return this.#pieces;
  }

  /** Whether a row has columns that keep their value. */
  get hasUnchanged(): boolean {
    return this.#hasUnchanged;
  }

  #closeRun(): void {
    if (this.#payload) this.#pieces.push(this.#payload.subarray(this.#start, this.#end));
    this.#payload = undefined;
  }
}
