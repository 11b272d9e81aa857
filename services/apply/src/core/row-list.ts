import { malformedRow, readSeq, rowEnd } from './copy-line.js';

/** A message's rows of one table, as a step of the plan holds them. */
export interface RowsPart {
  readonly payload: Uint8Array;
  /** Whether each row ends with old-key columns. */
  readonly hasOld: boolean;
  /** Grows from batch to batch, so that (order, seq) is the source's order. */
  readonly batchOrder: number;
}

/** Rows of several parts in the source's order, without an object for each. */
export class RowList {
  readonly #parts: readonly RowsPart[];
  readonly #part: number[] = [];
  readonly #start: number[] = [];
  readonly #end: number[] = [];
  readonly #order: readonly number[] | undefined;

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
    this.#order = isSorted
      ? undefined
      : keys.map((_, row) => row).sort((a, b) => (keys[a] ?? 0) - (keys[b] ?? 0));
  }

  get length(): number {
    return this.#start.length;
  }

  /** The row number `index` in the source's order. */
  row(index: number): RowRef {
    const row = this.#order ? (this.#order[index] ?? -1) : index;
    const part = this.#parts[this.#part[row] ?? -1];
    if (!part) throw malformedRow();
    return {
      part,
      partIndex: this.#part[row] ?? 0,
      start: this.#start[row] ?? 0,
      end: this.#end[row] ?? 0,
    };
  }
}

/** One row: bytes of a part. */
export interface RowRef {
  readonly part: RowsPart;
  readonly partIndex: number;
  readonly start: number;
  readonly end: number;
}

/** More than any `seq`; the product with a batch's order stays a safe integer. */
const SEQ_LIMIT = 2 ** 40;
