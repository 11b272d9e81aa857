import type { TableMapping } from '@bunnydb/contracts';
import { formatQualifiedName, quoteIdentifier, quoteQualifiedName } from '@bunnydb/pg-model';

/** Columns of a table that a publication can send, by `formatQualifiedName`. */
export type PublishableColumns = ReadonlyMap<string, readonly string[]>;

/** The statement that creates the mirror's publication. */
export function createPublication(
  name: string,
  tables: readonly TableMapping[],
  columns: PublishableColumns,
): string {
  const list = tables.map((table) => publishedTable(table, columns)).join(', ');
  const target = tables.length === 0 ? '' : ` for table ${list}`;
  return `create publication ${quoteIdentifier(name)}${target} with (publish_via_partition_root = true)`;
}

/** The statements that bring a publication of ours, left by an earlier try, in line with the mirror. */
export function alterPublication(
  name: string,
  tables: readonly TableMapping[],
  columns: PublishableColumns,
): readonly string[] {
  const quoted = quoteIdentifier(name);
  const list = tables.map((table) => publishedTable(table, columns)).join(', ');
  return [
    `alter publication ${quoted} set (publish_via_partition_root = true)`,
    ...(tables.length === 0 ? [] : [`alter publication ${quoted} set table ${list}`]),
  ];
}

/** The columns that a table's column list has; null if it needs none, since all are sent. */
export function keptColumns(
  table: TableMapping,
  columns: PublishableColumns,
): readonly string[] | null {
  if (table.exclude_columns.length === 0) return null;
  const excluded = new Set(table.exclude_columns);
  const all = columns.get(formatQualifiedName(table.source)) ?? [];
  return all.filter((column) => !excluded.has(column));
}

/** One table of the list, with its columns only if some are left out, and with its filter. */
export function publishedTable(table: TableMapping, columns: PublishableColumns): string {
  const name = quoteQualifiedName(table.source);
  const kept = keptColumns(table, columns);
  const columnList = kept === null ? '' : ` (${kept.map(quoteIdentifier).join(', ')})`;
  const filter = table.row_filter ? ` where (${table.row_filter})` : '';
  return `${name}${columnList}${filter}`;
}
