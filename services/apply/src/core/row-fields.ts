import { columnsStart, fieldEnd, isNull, readUnchanged, readValue } from './copy-line.js';
import type { ParameterPlace } from './row-statements.js';

/** Where the fields of one row stand; one object is used for many rows. */
export class RowFields {
  #bytes: Uint8Array = new Uint8Array();
  #columnCount = 0;
  readonly #starts: number[] = [];
  readonly #ends: number[] = [];
  #unchanged: readonly number[] = [];

  /** Reads the row that starts at `at`. */
  read(bytes: Uint8Array, at: number, columnCount: number, oldCount: number): void {
    this.#bytes = bytes;
    this.#columnCount = columnCount;
    this.#unchanged = readUnchanged(bytes, at);
    let start = columnsStart(bytes, at);
    for (let field = 0; field < columnCount + oldCount; field++) {
      const end = fieldEnd(bytes, start);
      this.#starts[field] = start;
      this.#ends[field] = end;
      start = end + 1;
    }
  }

  /** Positions of the columns that keep their value. */
  get unchanged(): readonly number[] {
    return this.#unchanged;
  }

  isNull(isOld: boolean, position: number): boolean {
    const [start, end] = this.#range(isOld, position);
    return isNull(this.#bytes, start, end);
  }

  /** Whether a column and an old-key column hold the same bytes. */
  isSame(column: number, old: number | undefined): boolean {
    if (old === undefined) return true;
    const [start, end] = this.#range(false, column);
    const [oldStart, oldEnd] = this.#range(true, old);
    if (end - start !== oldEnd - oldStart) return false;
    for (let at = 0; at < end - start; at++)
      if (this.#bytes[start + at] !== this.#bytes[oldStart + at]) return false;
    return true;
  }

  /** The values for a statement's parameters. */
  values(places: readonly ParameterPlace[]): (Uint8Array | null)[] {
    return places.map(({ source, position }) => {
      const [start, end] = this.#range(source === 'old', position);
      return readValue(this.#bytes, start, end);
    });
  }

  #range(isOld: boolean, position: number): readonly [number, number] {
    const field = isOld ? this.#columnCount + position : position;
    return [this.#starts[field] ?? 0, this.#ends[field] ?? 0];
  }
}
