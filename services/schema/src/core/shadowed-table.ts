import { FailureKind, MirrorError } from '@bunnydb/failure';
import { type QualifiedName, formatQualifiedName } from '@bunnydb/pg-model';
import type { TableFacts } from './table-facts.js';

/** A table of a mirror, where it goes, and its shadow there. */
export interface ShadowedTable {
  readonly source: QualifiedName;
  readonly destination: QualifiedName;
  readonly shadow: QualifiedName;
}

/** @throws MirrorError `schema_mismatch` with the reasons when the table cannot be swapped for another. */
export function refuseObstacles(table: TableFacts): void {
  if (table.obstacles.length === 0) return;
  throw new MirrorError(
    FailureKind.SchemaMismatch,
    'the destination table cannot be swapped for another; copy it again in place (strategy truncate)',
    { detail: { table: formatQualifiedName(table.name), reasons: table.obstacles } },
  );
}
