import { FailureKind, MirrorError } from '@bunnydb/failure';
import { type QualifiedName, formatQualifiedName } from '@bunnydb/pg-model';
import type { TableFacts } from './table-facts.js';

/** A table of a mirror, where it goes, and its shadow there. */
export interface ShadowedTable {
  readonly source: QualifiedName;
  readonly destination: QualifiedName;
  readonly shadow: QualifiedName;
}

/** @throws MirrorError `swap_refused` with the reasons when the table cannot be swapped for another. */
export function refuseObstacles(table: Pick<TableFacts, 'name' | 'obstacles'>): void {
  if (table.obstacles.length === 0) return;
  throw new MirrorError(
    FailureKind.SwapRefused,
    'the destination table cannot be swapped for another',
    { detail: { table: formatQualifiedName(table.name), reasons: table.obstacles } },
  );
}
