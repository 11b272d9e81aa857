import type { TableMapping } from '@bunnydb/contracts';
import { type QualifiedName, quoteQualifiedName } from '@bunnydb/pg-model';
import type { ColumnModel, PartitionModel } from './catalog-model.js';
import {
  type DestinationObjects,
  columnDefinition,
  notValidNotNulls,
  partitionName,
} from './column-ddl.js';
import { isCovered, primaryKeyDefinition } from './key-ddl.js';

/**
 * Makes a partition as a table of its own and attaches it: so it keeps its own order of columns, its own defaults and the names of its own key, all of which
 * PARTITION OF would take from the parent.
 *
 * @param defaultAt gives the default that a column is to have.
 * @param checks those of the tables above, which it has to have already.
 */
export function partitionStatements(
  partition: PartitionModel,
  root: { readonly name: QualifiedName },
  mapping: TableMapping,
  objects: DestinationObjects,
  defaultAt: (column: ColumnModel) => string | null,
  checks: readonly string[] = [],
): readonly string[] {
  const destination = partitionName(partition.name, root.name, mapping.destination);
  const parent = partitionName(partition.parent, root.name, mapping.destination);
  const columns = partition.columns.filter(
    (column) => !mapping.exclude_columns.includes(column.name),
  );
  const kept = new Set(columns.map((column) => column.name));
  const place = { source: partition.name, destination };
  // An identity is the parent's, and comes by being attached.
  const elements = columns.map((column) =>
    columnDefinition(
      { ...column, identity: 'none' },
      column.identity === 'none' ? defaultAt(column) : null,
      objects.hasVirtualColumns,
      place,
    ),
  );
  if (partition.primaryKey && isCovered(partition.primaryKey, kept)) {
    elements.push(primaryKeyDefinition(partition.primaryKey, true));
  }
  elements.push(...checks);
  const partitionBy =
    partition.partitionKey === null ? '' : ` partition by ${partition.partitionKey}`;
  const name = quoteQualifiedName(destination);
  return [
    `create table ${name} (${elements.join(', ')})${partitionBy}`,
    ...notValidNotNulls(columns, destination, objects),
    `alter table ${quoteQualifiedName(parent)} attach partition ${name} ${partition.bound}`,
  ];
}
