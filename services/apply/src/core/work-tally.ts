import { type QualifiedName, formatQualifiedName } from '@bunnydb/pg-model';
import type { WorkStep } from './work-step.js';

export interface TableCounts {
  readonly table: QualifiedName;
  inserted: number;
  updated: number;
  deleted: number;
}

/** What a destination transaction did; counts only once it is committed. */
export class WorkTally {
  readonly #tables = new Map<string, TableCounts>();
  /** Updates and deletes whose row the destination did not have. */
  missingRows = 0;

  get tables(): readonly TableCounts[] {
    return [...this.#tables.values()];
  }

  get changes(): number {
    return this.tables.reduce(
      (sum, { inserted, updated, deleted }) => sum + inserted + updated + deleted,
      0,
    );
  }

  /** Counts the source's changes. */
  addSteps(steps: readonly WorkStep[]): void {
    for (const step of steps) {
      if (step.kind !== 'rows') continue;
      const counts = this.#countsOf(step.table);
      for (const part of step.parts) {
        counts.inserted += part.inserts;
        counts.updated += part.updates;
        counts.deleted += part.deletes;
      }
    }
  }

  /** Counts one row by itself. */
  addRow(
    table: QualifiedName,
    ops: { readonly inserts: number; readonly updates: number; readonly deletes: number },
  ): void {
    const counts = this.#countsOf(table);
    counts.inserted += ops.inserts;
    counts.updated += ops.updates;
    counts.deleted += ops.deletes;
  }

  add(other: WorkTally): void {
    for (const { table, inserted, updated, deleted } of other.tables) {
      const counts = this.#countsOf(table);
      counts.inserted += inserted;
      counts.updated += updated;
      counts.deleted += deleted;
    }
    this.missingRows += other.missingRows;
  }

  #countsOf(table: QualifiedName): TableCounts {
    const name = formatQualifiedName(table);
    const known = this.#tables.get(name);
    if (known) return known;
    const counts: TableCounts = { table, inserted: 0, updated: 0, deleted: 0 };
    this.#tables.set(name, counts);
    return counts;
  }
}
