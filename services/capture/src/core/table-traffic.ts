import { formatQualifiedName } from '@bunnydb/pg-model';
import type { TableMessageBuffer } from './table-message-buffer.js';

export type ChangeOperation = 'insert' | 'update' | 'delete';

export interface OperationTraffic {
  readonly table: string;
  readonly operation: ChangeOperation;
  readonly rows: number;
  readonly bytes: number;
}

interface Counts {
  rows: number;
  bytes: number;
}

/** Rows and bytes by table and operation; counted a message at a time, since that is what a row cannot afford. */
export class TableTraffic {
  readonly #tables = new Map<string, Readonly<Record<ChangeOperation, Counts>>>();

  /** A message leaves. Its bytes are shared out among its operations by their numbers. */
  add({ relation, inserts, updates, deletes, length }: TableMessageBuffer): void {
    const counts = this.#countsOf(formatQualifiedName(relation.table));
    const rows = inserts + updates + deletes;
    // A piece of a row that goes on counts as no row; it is the update or insert that was counted with its first piece.
    if (rows === 0) {
      counts.update.bytes += length;
      return;
    }
    const share = length / rows;
    note(counts.insert, inserts, share);
    note(counts.update, updates, share);
    note(counts.delete, deletes, share);
  }

  get all(): readonly OperationTraffic[] {
    return [...this.#tables].flatMap(([table, counts]) =>
      OPERATIONS.map((operation) => ({
        table,
        operation,
        rows: counts[operation].rows,
        bytes: Math.round(counts[operation].bytes),
      })),
    );
  }

  #countsOf(table: string): Readonly<Record<ChangeOperation, Counts>> {
    const known = this.#tables.get(table);
    if (known) return known;
    const fresh = {
      insert: { rows: 0, bytes: 0 },
      update: { rows: 0, bytes: 0 },
      delete: { rows: 0, bytes: 0 },
    };
    this.#tables.set(table, fresh);
    return fresh;
  }
}

function note(counts: Counts, rows: number, bytesPerRow: number): void {
  counts.rows += rows;
  counts.bytes += rows * bytesPerRow;
}

const OPERATIONS: readonly ChangeOperation[] = ['insert', 'update', 'delete'];
