import { readUnchanged } from './copy-line.js';
import type { RowList } from './row-list.js';

/** Rows for a staging table; neighbours in one payload become one piece, so that an untouched payload is handed on whole. */
export class StagedRows {
  readonly #rows: RowList;
  readonly #pieces: Uint8Array[] = [];
  #hasUnchanged = false;
  #payload: Uint8Array | undefined;
  #start = 0;
  #end = 0;

  constructor(rows: RowList) {
    this.#rows = rows;
  }

  /** @param merged stands in for the row, if given. */
  add(row: number, merged?: Uint8Array): void {
    const { payload } = this.#rows.part(row);
    const start = this.#rows.start(row);
    this.#hasUnchanged ||= readUnchanged(merged ?? payload, merged ? 0 : start).length > 0;
    if (merged) {
      this.#pieces.push(merged);
    } else if (this.#payload === payload && this.#end === start) {
      this.#end = this.#rows.end(row);
    } else {
      this.#closeRun();
      this.#payload = payload;
      this.#start = start;
      this.#end = this.#rows.end(row);
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
