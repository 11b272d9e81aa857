import type { TableMapping } from '@bunnydb/contracts';
import type { QualifiedName } from '@bunnydb/pg-model';
import type { TableModel } from './catalog-model.js';
import type { InheritedTable } from './inherited-columns.js';
import { keyOf } from './relation-facts.js';

/** A source table with where it goes. */
export interface MappedTable {
  readonly table: TableModel;
  readonly mapping: TableMapping;
}

/** Tables that others inherit from come before those. PostgreSQL has no cycles among them. */
export function orderByInheritance(tables: readonly MappedTable[]): readonly MappedTable[] {
  const byName = new Map(tables.map((entry) => [keyOf(entry.table.name), entry]));
  const ordered = new Set<MappedTable>();
  const visit = (entry: MappedTable): void => {
    if (ordered.has(entry)) return;
    for (const parent of entry.table.inherits) {
      const above = byName.get(keyOf(parent));
      if (above) visit(above);
    }
    ordered.add(entry);
  };
  tables.forEach(visit);
  return [...ordered];
}

/** What a table inherits from at the destination: nothing when a parent is not in the mirror or has a column there that the table leaves out. */
export function inheritanceOf(
  { table, mapping }: MappedTable,
  tables: readonly MappedTable[],
): readonly InheritedTable[] {
  const parents = table.inherits.flatMap((name) => inheritedTable(name, tables));
  const isWhole =
    parents.length === table.inherits.length &&
    !parents.some((parent) =>
      parent.columns.some((column) => mapping.exclude_columns.includes(column.name)),
    );
  return isWhole ? parents : [];
}

function inheritedTable(
  name: QualifiedName,
  tables: readonly MappedTable[],
): readonly InheritedTable[] {
  const above = tables.find((other) => keyOf(other.table.name) === keyOf(name));
  if (above === undefined) return [];
  const { table, mapping } = above;
  return [
    {
      source: table.name,
      destination: mapping.destination,
      columns: table.columns.filter((column) => !mapping.exclude_columns.includes(column.name)),
    },
  ];
}
