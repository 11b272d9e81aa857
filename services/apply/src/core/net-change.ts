import { OP_DELETE, OP_INSERT, columnsStart, fieldEnd } from './copy-line.js';
import { KeyIndex } from './key-index.js';
import { mergeUnchanged } from './merge-unchanged.js';
import { RowCollector } from './row-columns.js';
import { RowList, type RowRef, type RowsPart } from './row-list.js';
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
  const states: KeyState[] = [];
  for (let index = 0; index < rows.length; index++) {
    const row = rows.row(index);
    const columns = columnsStart(row.part.payload, row.start);
    const from = row.part.hasOld ? findOldKey(keys, row, columns, places) : undefined;
    const key = keys.find(row.part.payload, columns);
    const isFit =
      from === undefined || from === key
        ? applyChange(states, key, row, places.columnCount)
        : applyMove(states, from, key, row);
    if (!isFit) return undefined;
  }
  return collect(states, kept);
}

/** The life of one key through the changes. */
type KeyState =
  | {
      readonly kind: 'changed';
      /** Whether the row was there before the first change, as that change implies. */
      readonly existed: boolean;
      readonly isPresent: boolean;
      /** The delete, when the row was deleted and the key inserted again. */
      readonly deletion: RowRef | undefined;
      readonly last: RowRef;
      /** The last row with its unchanged columns filled in from the rows before. */
      readonly merged: Uint8Array | undefined;
    }
  /** A row moved away from here, or to here; nothing else may touch the key. */
  | { readonly kind: 'left' }
  | { readonly kind: 'reached'; readonly last: RowRef };

function findOldKey(keys: KeyIndex, row: RowRef, columns: number, places: KeyPlaces): number {
  const { payload } = row.part;
  let at = columns;
  for (let column = 0; column < places.columnCount; column++) at = fieldEnd(payload, at) + 1;
  return keys.find(payload, at, places.old);
}

/** Notes an update that changes the key; false when one of its ends was touched before. */
function applyMove(states: KeyState[], from: number, key: number, row: RowRef): boolean {
  if (states[from] || states[key]) return false;
  states[from] = { kind: 'left' };
  states[key] = { kind: 'reached', last: row };
  return true;
}

/** Notes a change that stays on its key; false when it does not fit what was before. */
function applyChange(states: KeyState[], key: number, row: RowRef, columnCount: number): boolean {
  const op = row.part.payload[row.start];
  const isPresent = op !== OP_DELETE;
  const before = states[key];
  if (!before) {
    const existed = op !== OP_INSERT;
    states[key] = {
      kind: 'changed',
      existed,
      isPresent,
      deletion: undefined,
      last: row,
      merged: undefined,
    };
    return true;
  }
  // An insert needs the key to be free, all else needs it to be taken.
  if (before.kind !== 'changed' || before.isPresent === (op === OP_INSERT)) return false;
  const { existed, last } = before;
  const isReinsert = op === OP_INSERT && existed;
  states[key] = {
    kind: 'changed',
    existed,
    isPresent,
    deletion: isReinsert ? (before.deletion ?? last) : before.deletion,
    last: row,
    merged:
      op === OP_INSERT || op === OP_DELETE
        ? undefined
        : mergeUnchanged(before.merged ?? bytesOf(last), row, columnCount),
  };
  return true;
}

function bytesOf(row: RowRef): Uint8Array {
  return row.part.payload.subarray(row.start, row.end);
}

function collect(states: readonly KeyState[], kept: readonly boolean[]): NetChange {
  const plain = new StagedRows();
  const withOld = new StagedRows();
  const inserted = new RowCollector(kept, 0);
  const counts = { inserts: 0, updates: 0, updatesWithOld: 0, deletes: 0 };
  const stageUpdate = (row: RowRef, merged?: Uint8Array): void => {
    if (row.part.hasOld) counts.updatesWithOld += 1;
    else counts.updates += 1;
    (row.part.hasOld ? withOld : plain).add(row, merged);
  };
  for (const state of states) {
    if (state.kind === 'left') continue;
    if (state.kind === 'reached') {
      stageUpdate(state.last);
      continue;
    }
    const { existed, isPresent, deletion, last, merged } = state;
    if (existed && (!isPresent || deletion)) {
      plain.add(deletion ?? last);
      counts.deletes += 1;
    }
    if (isPresent && existed && !deletion) stageUpdate(last, merged);
    else if (isPresent) {
      const { part, start, end } = last;
      if (merged) inserted.add(merged, 0, merged.length, part.hasOld);
      else inserted.add(part.payload, start, end, part.hasOld);
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
    hasMoved: states.some((state) => state.kind === 'reached'),
  };
}
