import type { TableMapping } from '@bunnydb/contracts';
import { type QualifiedName, quoteQualifiedName } from '@bunnydb/pg-model';
import type { ColumnModel, KeyModel, TableModel } from './catalog-model.js';
import {
  type DestinationObjects,
  columnDefinition,
  defaultOf,
  notValidNotNulls,
  sequenceName,
} from './column-ddl.js';
import { type InheritedTable, inheritedColumns } from './inherited-columns.js';
import { identityIndexStatement, isCovered, primaryKeyDefinition } from './key-ddl.js';
import { partitionStatements } from './partition-ddl.js';
import { createSequenceStatement, ownSequenceStatement } from './sequence-ddl.js';

/** The statements that make one destination table, in order, and what had to be left out. */
export interface TableDdl {
  readonly statements: readonly string[];
  /** Columns whose default calls a function that the destination lacks; rows do not need it. */
  readonly defaultsLeftOut: readonly string[];
  /** Sequences that the statements create: the destination has them for the tables that follow. */
  readonly sequences: readonly QualifiedName[];
}

/**
 * Makes the plain table of a mapping: columns, types, collations, defaults with their sequences, NOT NULL, identity, generated columns,
 * the primary key, and the index of the replica identity, which is what changes are looked up by. A partitioned table comes
 * with its partitions.
 *
 * @param parents the tables of the mirror that it inherits from.
 */
export function createTableDdl(
  table: TableModel,
  mapping: TableMapping,
  objects: DestinationObjects,
  parents: readonly InheritedTable[] = [],
): TableDdl {
  const { destination } = mapping;
  const columns = table.columns.filter((column) => !mapping.exclude_columns.includes(column.name));
  // Names of indexes are unique in a schema: under another table name, or when a table has it that was called so before, PostgreSQL chooses a new one.
  const keepsName = ({ name }: KeyModel): boolean =>
    destination.table === table.name.table &&
    !objects.hasIndex({ schema: destination.schema, table: name });
  const kept = new Set(columns.map((column) => column.name));
  const before: string[] = [];
  const after: string[] = [];
  const defaultsLeftOut: string[] = [];
  const created = new Map<string, QualifiedName>();
  for (const column of columns) {
    for (const sequence of column.sequences) {
      const name = sequenceName(sequence, column.name, table.name, destination);
      if (created.has(quoteQualifiedName(name)) || objects.hasSequence(name)) continue;
      created.set(quoteQualifiedName(name), name);
      before.push(createSequenceStatement(name, sequence));
      if (sequence.isOwned) after.push(ownSequenceStatement(name, destination, column.name));
    }
  }
  const defaultAt = (column: ColumnModel): string | null => {
    const usesMissing = column.functions.some((signature) => !objects.hasFunction(signature));
    if (!usesMissing || column.generation !== 'none') {
      return defaultOf(column, table.name, destination);
    }
    if (!defaultsLeftOut.includes(column.name)) defaultsLeftOut.push(column.name);
    return null;
  };
  const place = { source: table.name, destination, hasSequence: objects.hasSequence };
  const inherited = inheritedColumns(columns, parents, place, objects, defaultAt);
  const elements = [
    ...inherited.own.map((column) =>
      columnDefinition(column, defaultAt(column), objects.hasVirtualColumns, place),
    ),
    ...inherited.elements,
  ];
  if (table.primaryKey && isCovered(table.primaryKey, kept)) {
    elements.push(primaryKeyDefinition(table.primaryKey, keepsName(table.primaryKey)));
  }
  const partitionBy = table.partitionKey === null ? '' : ` partition by ${table.partitionKey}`;
  const inherits =
    parents.length === 0
      ? ''
      : ` inherits (${parents.map((parent) => quoteQualifiedName(parent.destination)).join(', ')})`;
  before.push(
    `create table ${quoteQualifiedName(destination)} (${elements.join(', ')})${inherits}${partitionBy}`,
    ...inherited.after,
    ...notValidNotNulls(inherited.own, destination, objects),
  );
  for (const partition of table.partitions) {
    before.push(...partitionStatements(partition, table, mapping, objects, defaultAt));
  }
  if (table.identityIndex && isCovered(table.identityIndex, kept)) {
    const { identityIndex } = table;
    after.push(identityIndexStatement(identityIndex, destination, keepsName(identityIndex)));
  }
  return { statements: [...before, ...after], defaultsLeftOut, sequences: [...created.values()] };
}
