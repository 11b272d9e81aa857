import type { TableMapping } from '@bunnydb/contracts';
import {
  type QualifiedName,
  quoteIdentifier,
  quoteLiteral,
  quoteQualifiedName,
} from '@bunnydb/pg-model';
import type { ColumnModel, KeyModel, PartitionModel, TableModel } from './catalog-model.js';
import { createSequenceStatement, identityOptions, ownSequenceStatement } from './sequence-ddl.js';

/** What the destination has already that a new table may lean on. */
export interface DestinationObjects {
  readonly hasSequence: (name: QualifiedName) => boolean;
  /** By signature, as `ColumnModel.functions` has it. */
  readonly hasFunction: (signature: string) => boolean;
  /** Whether generated columns may be virtual (PostgreSQL 18); before, they are stored, which reads the same. */
  readonly hasVirtualColumns: boolean;
}

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
 */
export function createTableDdl(
  table: TableModel,
  mapping: TableMapping,
  objects: DestinationObjects,
): TableDdl {
  const { destination } = mapping;
  const columns = table.columns.filter((column) => !mapping.exclude_columns.includes(column.name));
  // Names of indexes are unique in a schema: under another table name PostgreSQL chooses a new one.
  const keepsName = destination.table === table.name.table;
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
  const elements = columns.map((column) => {
    const usesMissing = column.functions.some((signature) => !objects.hasFunction(signature));
    const leavesOut = usesMissing && column.generation === 'none';
    if (leavesOut) defaultsLeftOut.push(column.name);
    const expression = leavesOut ? null : defaultOf(column, table.name, destination);
    return columnDefinition(column, expression, objects.hasVirtualColumns);
  });
  if (table.primaryKey && isCovered(table.primaryKey, kept)) {
    elements.push(primaryKeyDefinition(table.primaryKey, keepsName));
  }
  const partitionBy = table.partitionKey === null ? '' : ` partition by ${table.partitionKey}`;
  before.push(
    `create table ${quoteQualifiedName(destination)} (${elements.join(', ')})${partitionBy}`,
  );
  for (const partition of table.partitions) {
    before.push(createPartitionStatement(partition, table.name, destination));
  }
  if (table.identityIndex && isCovered(table.identityIndex, kept)) {
    after.push(identityIndexStatement(table.identityIndex, destination, keepsName));
  }
  return { statements: [...before, ...after], defaultsLeftOut, sequences: [...created.values()] };
}

/** Where a partition of a mapped table goes: along with its root into the destination's schema, under its own name. */
export function partitionName(
  partition: QualifiedName,
  root: QualifiedName,
  destination: QualifiedName,
): QualifiedName {
  if (partition.schema === root.schema && partition.table === root.table) return destination;
  return {
    schema: partition.schema === root.schema ? destination.schema : partition.schema,
    table: partition.table,
  };
}

/**
 * Where a sequence of a mapped table goes: into the destination's schema if it lives beside the source table; one that belongs to the column is
 * named after the destination table where that has another name, so that two tables of one name can go into one schema.
 */
export function sequenceName(
  sequence: { readonly schema: string; readonly name: string; readonly isOwned: boolean },
  column: string,
  source: QualifiedName,
  destination: QualifiedName,
): QualifiedName {
  const isRenamed = sequence.isOwned && destination.table !== source.table;
  return {
    schema: sequence.schema === source.schema ? destination.schema : sequence.schema,
    table: isRenamed ? `${destination.table}_${column}_seq` : sequence.name,
  };
}

/** A column as CREATE TABLE and ADD COLUMN take it. */
export function columnDefinition(
  column: ColumnModel,
  expression: string | null,
  hasVirtualColumns: boolean,
): string {
  const parts = [quoteIdentifier(column.name), column.type];
  if (column.collation) {
    parts.push(
      `collate ${quoteIdentifier(column.collation.schema)}.${quoteIdentifier(column.collation.name)}`,
    );
  }
  if (column.generation !== 'none') {
    const kind = column.generation === 'virtual' && hasVirtualColumns ? 'virtual' : 'stored';
    parts.push(`generated always as (${expression ?? 'null'}) ${kind}`);
  } else if (column.identity !== 'none') {
    const when = column.identity === 'always' ? 'always' : 'by default';
    parts.push(`generated ${when} as identity${identityOptions(column.identityOptions)}`);
  } else if (expression !== null) parts.push(`default ${expression}`);
  if (column.isNotNull) parts.push('not null');
  return parts.join(' ');
}

/** A default that is exactly one `nextval` is written anew, since its sequence may have moved; anything else stays as it is. */
export function defaultOf(
  column: ColumnModel,
  source: QualifiedName,
  destination: QualifiedName,
): string | null {
  const [sequence, ...others] = column.sequences;
  if (sequence === undefined || others.length > 0 || !isPlainNextval(column)) {
    return column.expression;
  }
  const name = quoteQualifiedName(sequenceName(sequence, column.name, source, destination));
  return `pg_catalog.nextval(${quoteLiteral(name).trim()}::pg_catalog.regclass)`;
}

/** Whether the default is the next value of one sequence and nothing else. */
export function isPlainNextval({ expression }: ColumnModel): boolean {
  return expression !== null && PLAIN_NEXTVAL.test(expression);
}

function primaryKeyDefinition(key: KeyModel, keepsName: boolean): string {
  const definition =
    key.definition ?? `PRIMARY KEY (${key.columns.map(quoteIdentifier).join(', ')})`;
  return keepsName ? `constraint ${quoteIdentifier(key.name)} ${definition}` : definition;
}

function identityIndexStatement(
  index: KeyModel,
  destination: QualifiedName,
  keepsName: boolean,
): string {
  const name = keepsName ? `${quoteIdentifier(index.name)} ` : '';
  const columns = index.columns.map(quoteIdentifier).join(', ');
  return `create unique index ${name}on ${quoteQualifiedName(destination)} (${columns})`;
}

function createPartitionStatement(
  partition: PartitionModel,
  root: QualifiedName,
  destination: QualifiedName,
): string {
  const name = quoteQualifiedName(partitionName(partition.name, root, destination));
  const parent = quoteQualifiedName(partitionName(partition.parent, root, destination));
  const partitionBy =
    partition.partitionKey === null ? '' : ` partition by ${partition.partitionKey}`;
  return `create table ${name} partition of ${parent} ${partition.bound}${partitionBy}`;
}

function isCovered(key: KeyModel, kept: ReadonlySet<string>): boolean {
  return [...key.columns, ...key.includedColumns].every((column) => kept.has(column));
}

const PLAIN_NEXTVAL = /^(?:pg_catalog\.)?nextval\('(?:[^']|'')+'::(?:pg_catalog\.)?regclass\)$/;
