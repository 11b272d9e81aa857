import { OP_DELETE, OP_INSERT } from './copy-line.js';
import { mergeUnchanged } from './merge-unchanged.js';
import type { RowList } from './row-list.js';

/** What is left to do for a key after its changes, beside a delete. */
export type KeyOutcome = 'nothing' | 'updated' | 'inserted';

/**
 * The life of each key through the changes of a batch. Kept in flat arrays, by the key's number in its `KeyIndex`: there is a key for nearly
 * every row, and an object for each would be half of the garbage of a busy mirror.
 */
export class KeyStates {
  readonly #rows: RowList;
  readonly #columnCount: number;
  /** 0 for a key that was not touched. */
  readonly #flags: number[] = [];
  readonly #last: number[] = [];
  /** The row that deletes what was there before the batch; -1 if nothing is to be deleted. */
  readonly #deletion: number[] = [];
  /** Last rows with their unchanged columns filled in from the rows before. */
  readonly #merged = new Map<number, Uint8Array>();
  #hasMoved = false;

  constructor(rows: RowList, columnCount: number) {
    this.#rows = rows;
    this.#columnCount = columnCount;
  }

  get length(): number {
    return this.#flags.length;
  }

  /** Whether an update changes a key. */
  get hasMoved(): boolean {
    return this.#hasMoved;
  }

  last(key: number): number {
    return this.#last[key] ?? -1;
  }

  deletion(key: number): number {
    return this.#deletion[key] ?? -1;
  }

  merged(key: number): Uint8Array | undefined {
    return this.#merged.get(key);
  }

  outcome(key: number): KeyOutcome {
    const flags = this.#flags[key] ?? 0;
    if (flags & REACHED) return 'updated';
    if (!(flags & PRESENT)) return 'nothing';
    return flags & EXISTED && this.deletion(key) < 0 ? 'updated' : 'inserted';
  }

  /** Notes an update that changes the key; false when one of its ends was touched before, so that their order matters. */
  move(from: number, key: number, row: number): boolean {
    if (this.#flags[from] || this.#flags[key]) return false;
    // In the order of their numbers, so that the arrays stay dense.
    for (const end of [from, key].sort((a, b) => a - b))
      this.#set(end, end === key ? MOVED | REACHED : MOVED, row, -1);
    this.#hasMoved = true;
    return true;
  }

  /** Notes a change that stays on its key; false when it does not fit what was before. */
  change(key: number, row: number): boolean {
    const op = this.#rows.part(row).payload[this.#rows.start(row)];
    const present = op === OP_DELETE ? 0 : PRESENT;
    const before = this.#flags[key] ?? 0;
    if (before === 0) {
      const existed = op === OP_INSERT ? 0 : EXISTED;
      this.#set(key, TOUCHED | existed | present, row, op === OP_DELETE ? row : -1);
      return true;
    }
    // An insert needs the key to be free, all else needs it to be taken; a key that a row moved to or from is settled.
    const isTaken = (before & PRESENT) !== 0;
    if (before & MOVED || isTaken === (op === OP_INSERT)) return false;
    const existed = before & EXISTED;
    let deletion = this.deletion(key);
    if (op === OP_DELETE && existed && deletion < 0) deletion = row;
    this.#noteMerged(key, op, row);
    this.#set(key, TOUCHED | existed | present, row, deletion);
    return true;
  }

  #noteMerged(key: number, op: number | undefined, row: number): void {
    const before = this.#merged.get(key);
    this.#merged.delete(key);
    if (op === OP_INSERT || op === OP_DELETE) return;
    const last = before ?? this.#rows.bytes(this.last(key));
    const merged = mergeUnchanged(last, this.#rows.bytes(row), this.#columnCount);
    if (merged) this.#merged.set(key, merged);
  }

  #set(key: number, flags: number, last: number, deletion: number): void {
    this.#flags[key] = flags;
    this.#last[key] = last;
    this.#deletion[key] = deletion;
  }
}

const TOUCHED = 1;
/** The row was there before the first change, as that change implies. */
const EXISTED = 2;
const PRESENT = 4;
/** A row moved away from the key or to it. */
const MOVED = 8;
const REACHED = 16;
