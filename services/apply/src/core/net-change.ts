import { columnsStart, fieldEnd } from './copy-line.js';
import { KeyIndex } from './key-index.js';
import { KeyStates } from './key-states.js';
import { RowCollector } from './row-columns.js';
import { RowList, type RowsPart } from './row-list.js';
import { StagedRows } from './staged-rows.js';

/** Where the match key stands in a row. */
export interface KeyPlaces {
  /** Positions among the columns. */
  readonly columns: readonly number[];
  /** Positions among the old-key columns, in the same order. */
  readonly old: readonly number[];
  readonly columnCount: number;
}

/** Rows to stage: pieces of COPY text, and how many of each kind. */
export interface StagedChange {
  readonly pieces: readonly Uint8Array[];
  readonly updates: number;
  readonly deletes: number;
  readonly hasUnchanged: boolean;
}

/** What is left of many changes of one table when only the last state of every key counts. */
export interface NetChange {
  readonly plain: StagedChange;
  /** Updates that carry the old key. */
  readonly withOld: StagedChange;
  /** Rows to insert, ready for the table's own COPY. */
  readonly inserted: Uint8Array;
  readonly inserts: number;
  /** Whether an update changes a key. */
  readonly hasMoved: boolean;
}

/**
 * Nets the changes of one table, so that set-based statements can be used in any order of rows: first the deletes, then the
 * updates, then the inserts.
 *
 * Keys are compared as bytes. Two byte keys that the type's `=` holds for equal are still one row at the destination, and this is
 * right nevertheless: to get from one spelling to another a row has to be deleted or moved, so that all spellings but the
 * last one end in a delete, and deletes run first.
 *
 * @returns undefined when the changes depend on each other in a way that only row by row is right: a key that moved and was
 * touched by another change too, or a history that contradicts itself.
 */
export function netChange(
  parts: readonly RowsPart[],
  places: KeyPlaces,
  kept: readonly boolean[],
): NetChange | undefined {
  const rows = new RowList(parts);
  const keys = new KeyIndex(places.columns, rows.length);
  const states = new KeyStates(rows, places.columnCount);
  for (let row = 0; row < rows.length; row++) {
    const { payload, hasOld } = rows.part(row);
    const columns = columnsStart(payload, rows.start(row));
    const from = hasOld ? keys.find(payload, oldStart(payload, columns, places), places.old) : -1;
    const key = keys.find(payload, columns);
    const isFit = from < 0 || from === key ? states.change(key, row) : states.move(from, key, row);
    if (!isFit) return undefined;
  }
  return collect(states, rows, kept);
}

function oldStart(payload: Uint8Array, columns: number, places: KeyPlaces): number {
  let at = columns;
  for (let column = 0; column < places.columnCount; column++) at = fieldEnd(payload, at) + 1;
  return at;
}

function collect(states: KeyStates, rows: RowList, kept: readonly boolean[]): NetChange {
  const plain = new StagedRows(rows);
  const withOld = new StagedRows(rows);
  const inserted = new RowCollector(kept, insertedBytes(states, rows));
  const counts = { inserts: 0, updates: 0, updatesWithOld: 0, deletes: 0 };
  for (let key = 0; key < states.length; key++) {
    const last = states.last(key);
    const merged = states.merged(key);
    const deletion = states.deletion(key);
    if (deletion >= 0) {
      plain.add(deletion);
      counts.deletes += 1;
    }
    const outcome = states.outcome(key);
    if (outcome === 'updated') {
      const { hasOld } = rows.part(last);
      (hasOld ? withOld : plain).add(last, merged);
      if (hasOld) counts.updatesWithOld += 1;
      else counts.updates += 1;
    } else if (outcome === 'inserted') {
      const { payload, hasOld } = rows.part(last);
      if (merged) inserted.add(merged, 0, merged.length, hasOld);
      else inserted.add(payload, rows.start(last), rows.end(last), hasOld);
      counts.inserts += 1;
    }
  }
  return {
    plain: {
      pieces: plain.pieces,
      updates: counts.updates,
      deletes: counts.deletes,
      hasUnchanged: plain.hasUnchanged,
    },
    withOld: {
      pieces: withOld.pieces,
      updates: counts.updatesWithOld,
      deletes: 0,
      hasUnchanged: withOld.hasUnchanged,
    },
    inserted: inserted.bytes,
    inserts: counts.inserts,
    hasMoved: states.hasMoved,
  };
}

/** Room for the rows to insert, so that their buffer need not grow. */
function insertedBytes(states: KeyStates, rows: RowList): number {
  let bytes = 0;
  for (let key = 0; key < states.length; key++)
    if (states.outcome(key) === 'inserted')
      bytes += rows.end(states.last(key)) - rows.start(states.last(key));
  return bytes;
}
