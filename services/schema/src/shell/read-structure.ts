import type { QualifiedName } from '@bunnydb/pg-model';
import type pg from 'pg';
import type { ExtensionModel } from '../core/catalog-model.js';
import { keyOf } from '../core/relation-facts.js';
import type { RelationStructure, StructureModel } from '../core/structure-model.js';
import { type ColumnRow, columnOf } from './catalog-column.js';
import { SELECT_COLUMNS } from './sql/select-columns.js';
import { SELECT_CONSTRAINTS } from './sql/select-constraints.js';
import { SELECT_FOREIGN_KEYS } from './sql/select-foreign-keys.js';
import { SELECT_INDEX_EXTENSIONS } from './sql/select-index-extensions.js';
import { SELECT_INDEXES } from './sql/select-indexes.js';
import { SELECT_TABLES } from './sql/select-tables.js';
import {
  type ConstraintRow,
  type ForeignKeyRow,
  type IndexRow,
  constraintOf,
  foreignKeyOf,
  indexOf,
} from './structure-rows.js';

/**
 * Reads the structure of tables and of the partitions below them, with one statement per kind of object however many tables there are. A name that is
 * no table is missing from the result.
 */
export async function readStructure(
  client: pg.Client,
  names: readonly QualifiedName[],
): Promise<StructureModel> {
  const { rows: tables } = await client.query<TableRow>(SELECT_TABLES, [
    names.map((name) => name.schema),
    names.map((name) => name.table),
  ]);
  const roots = new Map(tables.filter((row) => row.level === 0).map((row) => [row.oid, row]));
  const all = [tables.map((row) => row.oid)];
  const columns = byTable(
    (await client.query<ColumnRow>(SELECT_COLUMNS, [[...roots.keys()]])).rows,
    columnOf,
  );
  const indexes = byTable((await client.query<IndexRow>(SELECT_INDEXES, all)).rows, indexOf);
  const constraints = byTable(
    (await client.query<ConstraintRow>(SELECT_CONSTRAINTS, all)).rows,
    constraintOf,
  );
  const foreignKeys = byTable(
    (await client.query<ForeignKeyRow>(SELECT_FOREIGN_KEYS, all)).rows,
    foreignKeyOf,
  );
  const extensions = await client.query<ExtensionsRow>(SELECT_INDEX_EXTENSIONS, all);
  const relations = tables.map((row): RelationStructure => {
    const root = roots.get(row.root) ?? row;
    return {
      name: nameOf(row),
      root: nameOf(root),
      isRoot: row.level === 0,
      isPartitioned: row.kind === 'p',
      columns: row.level === 0 ? (columns.get(row.oid) ?? []) : [],
      indexes: indexes.get(row.oid) ?? [],
      constraints: constraints.get(row.oid) ?? [],
      foreignKeys: foreignKeys.get(row.oid) ?? [],
    };
  });
  return {
    // A partition that was asked for beside its root comes twice.
    relations: [...new Map(relations.map((relation) => [keyOf(relation.name), relation])).values()],
    neededExtensions: extensions.rows[0]?.needed ?? [],
    installedExtensions: extensions.rows[0]?.installed ?? [],
  };
}

function byTable<Row extends { readonly table_oid: string }, Model>(
  rows: readonly Row[],
  modelOf: (row: Row) => Model,
): ReadonlyMap<string, readonly Model[]> {
  const groups = new Map<string, Model[]>();
  for (const row of rows) {
    const group = groups.get(row.table_oid);
    if (group) group.push(modelOf(row));
    else groups.set(row.table_oid, [modelOf(row)]);
  }
  return groups;
}

function nameOf(row: TableRow): QualifiedName {
  return { schema: row.schema, table: row.name };
}

interface TableRow {
  readonly oid: string;
  readonly root: string;
  readonly level: number;
  readonly schema: string;
  readonly name: string;
  readonly kind: string;
}

interface ExtensionsRow {
  readonly needed: readonly ExtensionModel[];
  readonly installed: readonly string[];
}
