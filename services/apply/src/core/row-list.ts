import { malformedRow, readSeq, rowEnd } from './copy-line.js';

/** A message's rows of one table, as a step of the plan holds them. */
export interface RowsPart {
  readonly payload: Uint8Array;
  /** Whether each row ends with old-key columns. */
  readonly hasOld: boolean;
  /** Grows from batch to batch, so that (order, seq) is the source's order. */
  readonly batchOrder: number;
}

/** Rows of several parts in the source's order, known by their number; there is no object for each. */
export class RowList {
  readonly #parts: readonly RowsPart[];
  readonly #part: number[] = [];
  readonly #start: number[] = [];
  readonly #end: number[] = [];

  constructor(parts: readonly RowsPart[]) {
    this.#parts = parts;
    const keys: number[] = [];
    let isSorted = true;
    let lastKey = -1;
    parts.forEach((part, index) => {
      const { payload, batchOrder } = part;
      for (let at = 0; at < payload.length;) {
        const end = rowEnd(payload, at);
        const key = batchOrder * SEQ_LIMIT + readSeq(payload, at);
        isSorted &&= key > lastKey;
        lastKey = key;
        keys.push(key);
        this.#part.push(index);
        this.#start.push(at);
        this.#end.push(end);
        at = end;
      }
    });
    if (!isSorted) this.#sort(keys);
  }

  get length(): number {
    return this.#start.length;
  }

  /** Which of the parts the row is in. */
  partIndex(row: number): number {
    return this.#part[row] ?? -1;
  }

  part(row: number): RowsPart {
    const part = this.#parts[this.partIndex(row)];
    if (!part) throw malformedRow();
    return part;
  }

  /** Where the row starts in its part's payload. */
  start(row: number): number {
    return this.#start[row] ?? 0;
  }

  end(row: number): number {
    return this.#end[row] ?? 0;
  }

  bytes(row: number): Uint8Array {
    return this.part(row).payload.subarray(this.start(row), this.end(row));
  }

  #sort(keys: readonly number[]): void {
    const order = keys.map((_, row) => row).sort((a, b) => (keys[a] ?? 0) - (keys[b] ?? 0));
    for (const places of [this.#part, this.#start, this.#end]) {
      const sorted = order.map((row) => places[row] ?? 0);
      sorted.forEach((value, row) => (places[row] = value));
    }
  }
}

/** More than any `seq`; the product with a batch's order stays a safe integer. */
const SEQ_LIMIT = 2 ** 40;
