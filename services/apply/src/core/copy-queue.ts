import type { CopyRange } from './copy-range.js';

/** A table in the queue. */
export interface QueuedTable {
  readonly ranges: readonly CopyRange[];
}

/** What a worker gets when it asks: a range, "something may come later", or "nothing more". */
export type CopyWork<Table> =
  | { readonly kind: 'range'; readonly table: Table; readonly range: CopyRange }
  | { readonly kind: 'wait' }
  | { readonly kind: 'done' };

interface OpenTable<Table> {
  readonly table: Table;
  readonly left: CopyRange[];
  bytesLeft: number;
  running: number;
}

/**
 * The ranges of all tables, handed out to whichever worker is free: a new table while fewer than `tablesMax` are open (inserts into different
 * tables do not contend), else a range of the open table with most left to do. Larger tables and ranges go first, so that no
 * long one is left for the end.
 */
export class CopyQueue<Table extends QueuedTable> {
  readonly #waiting: Table[];
  readonly #open = new Map<Table, OpenTable<Table>>();
  readonly #tablesMax: number;

  constructor(tables: readonly Table[], tablesMax: number) {
    // Sorted by weight, ascending: the largest is popped first.
    this.#waiting = [...tables].sort((a, b) => weight(a.ranges) - weight(b.ranges));
    this.#tablesMax = Math.max(tablesMax, 1);
  }

  take(): CopyWork<Table> {
    if (this.#open.size < this.#tablesMax) this.#openNext();
    let richest: OpenTable<Table> | undefined;
    for (const entry of this.#open.values()) {
      if (entry.left.length === 0) continue;
      // Fewest workers first, then most bytes: spreads the workers over the open tables.
      if (richest === undefined || isAhead(entry, richest)) richest = entry;
    }
    const range = richest?.left.pop();
    if (richest === undefined || range === undefined) {
      return { kind: this.#open.size === 0 && this.#waiting.length === 0 ? 'done' : 'wait' };
    }
    richest.bytesLeft -= range.bytesEstimated;
    richest.running += 1;
    return { kind: 'range', table: richest.table, range };
  }

  /** Tells that a range is copied; true when it was the table's last. The table stays open until `close`. */
  finish(table: Table): boolean {
    const entry = this.#open.get(table);
    if (entry === undefined) return false;
    entry.running -= 1;
    return entry.running === 0 && entry.left.length === 0;
  }

  /** Frees the table's place; what is left of it is not handed out any more. */
  close(table: Table): void {
    this.#open.delete(table);
  }

  #openNext(): void {
    const table = this.#waiting.pop();
    if (table === undefined) return;
    const left = [...table.ranges].sort((a, b) => a.bytesEstimated - b.bytesEstimated);
    this.#open.set(table, { table, left, bytesLeft: weight(table.ranges), running: 0 });
  }
}

function isAhead<Table>(entry: OpenTable<Table>, other: OpenTable<Table>): boolean {
  if (entry.running !== other.running) return entry.running < other.running;
  return entry.bytesLeft > other.bytesLeft;
}

function weight(ranges: readonly CopyRange[]): number {
  return ranges.reduce((sum, range) => sum + range.bytesEstimated, 0);
}
