import { TAB, fieldEnd, malformedRow } from './copy-line.js';

/**
 * Finds rows by their key, comparing the key's bytes as they stand in the payload. Bytes can differ where the type's `=` says "equal"
 * (`1.0` and `1.00`, text under a nondeterministic collation); `net-change.ts` tells why that is no harm.
 *
 * An open-addressing table on plain arrays: at ten thousand rows a batch, a Map of strings would cost more than the rest of the work.
 */
export class KeyIndex {
  readonly #positions: readonly number[];
  readonly #lastPosition: number;
  #slots: Int32Array;
  #mask: number;
  readonly #hashes: number[] = [];
  /** Per entry: the bytes it was made of, and per key column where the field starts and ends in them. */
  readonly #bytes: Uint8Array[] = [];
  readonly #ranges: number[] = [];
  readonly #scratch: number[];

  /** @param positions of the key columns among the fields, from 0, in any order. */
  constructor(positions: readonly number[], expectedEntries: number) {
    this.#positions = positions;
    this.#lastPosition = Math.max(...positions);
    this.#scratch = new Array<number>(positions.length * 2).fill(0);
    const size = 2 ** Math.ceil(Math.log2(Math.max(16, expectedEntries * 2)));
    this.#slots = new Int32Array(size).fill(-1);
    this.#mask = size - 1;
  }

  get size(): number {
    return this.#bytes.length;
  }

  /**
   * The number of the entry with this key; a new one (equal to the former `size`) if there was none.
   *
   * @param fieldsStart where the first of the fields stands that `positions` counts from.
   * @param positions of the key columns, if they are others than the index's own (an old key).
   */
  find(bytes: Uint8Array, fieldsStart: number, positions?: readonly number[]): number {
    const hash = this.#scan(bytes, fieldsStart, positions ?? this.#positions);
    for (let slot = hash & this.#mask; ; slot = (slot + 1) & this.#mask) {
      const entry = this.#slots[slot] ?? -1;
      if (entry < 0) return this.#add(bytes, hash, slot);
      if (this.#hashes[entry] === hash && this.#isSame(entry, bytes)) return entry;
    }
  }

  /** Finds the key's fields, notes their ranges and returns their hash (FNV-1a). */
  #scan(bytes: Uint8Array, fieldsStart: number, positions: readonly number[]): number {
    const last = positions === this.#positions ? this.#lastPosition : Math.max(...positions);
    let hash = 0x811c9dc5;
    let at = fieldsStart;
    for (let field = 0; field <= last; field++) {
      const end = fieldEnd(bytes, at);
      const index = positions.indexOf(field);
      if (index >= 0) {
        this.#scratch[index * 2] = at;
        this.#scratch[index * 2 + 1] = end;
      }
      if (bytes[end] !== TAB && field < last) throw malformedRow();
      at = end + 1;
    }
    for (let index = 0; index < this.#scratch.length; index += 2) {
      const end = this.#scratch[index + 1] ?? 0;
      for (let byteAt = this.#scratch[index] ?? 0; byteAt < end; byteAt++)
        hash = Math.imul(hash ^ (bytes[byteAt] ?? 0), 0x01000193);
      hash = Math.imul(hash ^ TAB, 0x01000193);
    }
    return hash ^ (hash >>> 15);
  }

  #add(bytes: Uint8Array, hash: number, slot: number): number {
    const entry = this.#bytes.length;
    this.#bytes.push(bytes);
    this.#hashes.push(hash);
    for (const range of this.#scratch) this.#ranges.push(range);
    this.#slots[slot] = entry;
    if (this.#bytes.length * 2 > this.#slots.length) this.#grow();
    return entry;
  }

  #grow(): void {
    this.#slots = new Int32Array(this.#slots.length * 2).fill(-1);
    this.#mask = this.#slots.length - 1;
    this.#hashes.forEach((hash, entry) => {
      let slot = hash & this.#mask;
      while ((this.#slots[slot] ?? -1) >= 0) slot = (slot + 1) & this.#mask;
      this.#slots[slot] = entry;
    });
  }

  #isSame(entry: number, bytes: Uint8Array): boolean {
    const own = this.#bytes[entry];
    if (!own) return false;
    const base = entry * this.#scratch.length;
    for (let index = 0; index < this.#scratch.length; index += 2) {
      const ownStart = this.#ranges[base + index] ?? 0;
      const start = this.#scratch[index] ?? 0;
      const size = (this.#scratch[index + 1] ?? 0) - start;
      if ((this.#ranges[base + index + 1] ?? 0) - ownStart !== size) return false;
      for (let at = 0; at < size; at++) if (own[ownStart + at] !== bytes[start + at]) return false;
    }
    return true;
  }
}
