import type { TableMapping } from '@bunnydb/contracts';
import {
  type QualifiedName,
  formatQualifiedName,
  quoteIdentifier,
  quoteQualifiedName,
} from '@bunnydb/pg-model';
import { type PublishableColumns, keptColumns, publishedTable } from './publication-plan.js';

/** A table as the publication has it now. */
export interface PublishedTable {
  readonly table: QualifiedName;
  /** Its column list, in no order; null if it sends all columns. */
  readonly columns: readonly string[] | null;
  readonly hasFilter: boolean;
}

export interface PublicationChange {
  readonly added: readonly TableMapping[];
  readonly removed: readonly QualifiedName[];
  /** To be run in one transaction. */
  readonly statements: readonly string[];
}

/**
 * What makes the mirror's publication hold the wanted tables. Tables that stay as they are are not touched: `add` and `drop` lock only their
 * own. Where a column list or a filter may be another one, the whole list is set instead, which PostgreSQL does in one step and without
 * dropping what is equal. (A filter is always set: the server gives back another text of it than it was given.)
 *
 * @param options.keepsUnknown a table of the mirror is not on the source under its name, so that one which the publication has under another may be it.
 */
export function planPublicationChange(
  name: string,
  published: readonly PublishedTable[],
  wanted: readonly TableMapping[],
  columns: PublishableColumns,
  { keepsUnknown = false }: { readonly keepsUnknown?: boolean } = {},
): PublicationChange {
  const before = new Map(published.map((entry) => [formatQualifiedName(entry.table), entry]));
  const after = new Set(wanted.map(({ source }) => formatQualifiedName(source)));
  const added = wanted.filter(({ source }) => !before.has(formatQualifiedName(source)));
  const removed = published.flatMap(({ table }) =>
    keepsUnknown || after.has(formatQualifiedName(table)) ? [] : [table],
  );
  const changed = wanted.filter((mapping) => {
    const entry = before.get(formatQualifiedName(mapping.source));
    return entry !== undefined && differs(entry, mapping, columns);
  });
  const alter = `alter publication ${quoteIdentifier(name)}`;
  const list = (tables: readonly TableMapping[]): string =>
    tables.map((table) => publishedTable(table, columns)).join(', ');
  const statements: string[] = [];
  if (changed.length > 0 && !keepsUnknown) statements.push(`${alter} set table ${list(wanted)}`);
  else {
    if (changed.length > 0) {
      const names = changed.map(({ source }) => quoteQualifiedName(source)).join(', ');
      statements.push(`${alter} drop table ${names}`, `${alter} add table ${list(changed)}`);
    }
    if (removed.length > 0)
      statements.push(`${alter} drop table ${removed.map(quoteQualifiedName).join(', ')}`);
    if (added.length > 0) statements.push(`${alter} add table ${list(added)}`);
  }
  return { added, removed, statements };
}

function differs(
  entry: PublishedTable,
  mapping: TableMapping,
  columns: PublishableColumns,
): boolean {
  if (entry.hasFilter || mapping.row_filter) return true;
  const kept = keptColumns(mapping, columns);
  if (kept === null || entry.columns === null) return kept !== entry.columns;
  const names = new Set(kept);
  return names.size !== entry.columns.length || entry.columns.some((column) => !names.has(column));
}
