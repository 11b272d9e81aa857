import type { QualifiedName } from '@bunnydb/pg-model';

/** How far the copy of one table is. */
export interface CopyTableProgress {
  /** Source name. */
  readonly table: QualifiedName;
  readonly rangesDone: number;
  readonly rangesTotal: number;
  readonly rowsDone: number;
  readonly rowsEstimated: number;
  readonly bytesDone: number;
  readonly bytesEstimated: number;
}

export interface CopyProgressStart {
  readonly table: QualifiedName;
  readonly rangesTotal: number;
  readonly rowsEstimated: number;
  readonly bytesEstimated: number;
}

/** Counts one table's copy and says when it is worth telling. Rows in flight are counted by frames and put right when the range ends. */
export class CopyProgressCounter {
  readonly #start: CopyProgressStart;
  #rangesDone = 0;
  #rowsFinished = 0;
  #rowsInFlight = 0;
  #bytesDone = 0;
  #toldAtMs = Number.NEGATIVE_INFINITY;

  constructor(start: CopyProgressStart) {
    this.#start = start;
  }

  /** Bytes and rows that went to the destination; true when `PROGRESS_INTERVAL_MS` have passed since it was last told. */
  addBytes(bytes: number, rows: number, nowMs: number): boolean {
    this.#bytesDone += bytes;
    this.#rowsInFlight += rows;
    return this.#isDue(nowMs);
  }

  /** A range is committed: `rows` is exact, `rowsCounted` is what `addBytes` was told for it. */
  finishRange(rows: number, rowsCounted: number): void {
    this.#rangesDone += 1;
    this.#rowsFinished += rows;
    this.#rowsInFlight -= rowsCounted;
  }

  /** A range has failed and starts again: takes back what it had counted. */
  dropRange(bytes: number, rowsCounted: number): void {
    this.#bytesDone -= bytes;
    this.#rowsInFlight -= rowsCounted;
  }

  snapshot(): CopyTableProgress {
    return {
      ...this.#start,
      rangesDone: this.#rangesDone,
      rowsDone: this.#rowsFinished + this.#rowsInFlight,
      bytesDone: this.#bytesDone,
    };
  }

  #isDue(nowMs: number): boolean {
    if (nowMs - this.#toldAtMs < PROGRESS_INTERVAL_MS) return false;
    this.#toldAtMs = nowMs;
    return true;
  }
}

export const PROGRESS_INTERVAL_MS = 250;
