import type { TableMapping } from '@bunnydb/contracts';
import { type QualifiedName, formatQualifiedName, parseQualifiedName } from '@bunnydb/pg-model';

/** The source name of the table that people call by its source or its destination name; a source's comes first. */
export function findTable(tables: readonly TableMapping[], text: string): string | undefined {
  const name = normalized(text);
  const found =
    tables.find(({ source }) => formatQualifiedName(source) === name) ??
    tables.find(({ destination }) => formatQualifiedName(destination) === name);
  return found && formatQualifiedName(found.source);
}

/** Whether two mappings of one source table say the same. The order of excluded columns says nothing. */
export function isSameMapping(a: TableMapping, b: TableMapping): boolean {
  return (
    isSameName(a.source, b.source) &&
    isSameName(a.destination, b.destination) &&
    a.row_filter === b.row_filter &&
    a.exclude_columns.toSorted().join('\0') === b.exclude_columns.toSorted().join('\0')
  );
}

function isSameName(a: QualifiedName, b: QualifiedName): boolean {
  return a.schema === b.schema && a.table === b.table;
}

/** In the form that `formatQualifiedName` gives; what is no name stays as it is, and is found nowhere. */
function normalized(text: string): string {
  try {
    return formatQualifiedName(parseQualifiedName(text));
  } catch {
    return text;
  }
}
