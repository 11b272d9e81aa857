import { readUint16, readUint32 } from './big-endian.js';
import { ColumnKind, TupleKind, isOldTuple, malformedTuple } from './tuple-format.js';

/** What a tuple stream tells while bytes come in. Offsets count from the first byte that was pushed. */
export interface TupleEvents {
  /** A tuple starts: `K` or `O` (old) or `N` (new); its column count stands at `offset`. */
  tuple(kind: number, columns: number, offset: number): void;
  emptyColumn(index: number, kind: number): void;
  value(index: number): void;
  valueBytes(index: number, bytes: Uint8Array, start: number, end: number): void;
  end(): void;
}

/**
 * Reads the tuples of a change from bytes that come in pieces of any size, so that a value of a gigabyte passes
 * through with only the piece in memory. Used for changes that are larger than a message; the others take `RowWriter`.
 */
export class TupleStream {
  readonly #events: TupleEvents;
  readonly #head = new Uint8Array(5);
  #headLength = 0;
  /** What the head is read for: a tuple (kind letter and column count), a column (kind letter and, for a value, its length). */
  #state: 'tuple' | 'column' | 'value' = 'tuple';
  #kind = 0;
  #columns = 0;
  #index = 0;
  #valueLeft = 0;
  #offset = 0;

  constructor(events: TupleEvents) {
    this.#events = events;
  }

  push(bytes: Uint8Array, start: number, end: number): void {
    let at = start;
    while (at < end) {
      at = this.#state === 'value' ? this.#pushValue(bytes, at, end) : this.#pushHead(bytes, at);
    }
  }

  /** Whether the stream stands where a change may end. */
  get isComplete(): boolean {
    return this.#state === 'tuple' && this.#headLength === 0;
  }

  #pushHead(bytes: Uint8Array, at: number): number {
    this.#head[this.#headLength++] = bytes[at] ?? 0;
    this.#offset++;
    if (this.#state === 'tuple') this.#tupleHead();
    else this.#columnHead();
    return at + 1;
  }

  #tupleHead(): void {
    if (this.#headLength < 3) return;
    this.#kind = this.#head[0] ?? 0;
    if (this.#kind !== TupleKind.New && !isOldTuple(this.#kind)) throw malformedTuple();
    this.#columns = readUint16(this.#head, 1);
    this.#headLength = 0;
    this.#index = 0;
    this.#events.tuple(this.#kind, this.#columns, this.#offset - 2);
    this.#state = 'column';
    if (this.#columns === 0) this.#endTuple();
  }

  #columnHead(): void {
    const kind = this.#head[0] ?? 0;
    if (kind === ColumnKind.Text) {
      if (this.#headLength < 5) return;
      this.#headLength = 0;
      this.#valueLeft = readUint32(this.#head, 1);
      this.#events.value(this.#index);
      if (this.#valueLeft > 0) this.#state = 'value';
      else this.#endColumn();
      return;
    }
    if (kind !== ColumnKind.Null && kind !== ColumnKind.Unchanged) throw malformedTuple();
    this.#headLength = 0;
    this.#events.emptyColumn(this.#index, kind);
    this.#endColumn();
  }

  #pushValue(bytes: Uint8Array, at: number, end: number): number {
    const until = Math.min(end, at + this.#valueLeft);
    this.#events.valueBytes(this.#index, bytes, at, until);
    this.#valueLeft -= until - at;
    this.#offset += until - at;
    if (this.#valueLeft === 0) this.#endColumn();
    return until;
  }

  #endColumn(): void {
    this.#state = 'column';
    this.#index++;
    if (this.#index === this.#columns) this.#endTuple();
  }

  #endTuple(): void {
    this.#state = 'tuple';
    this.#events.end();
  }
}
