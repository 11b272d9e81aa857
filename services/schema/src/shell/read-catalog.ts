import type { QualifiedName } from '@bunnydb/pg-model';
import { ReplicaIdentity, isReplicaIdentity } from '@bunnydb/pg-model';
import type pg from 'pg';
import type {
  CatalogModel,
  ColumnModel,
  ExtensionModel,
  KeyModel,
  PartitionModel,
  TableModel,
} from '../core/catalog-model.js';
import { type ColumnRow, columnOf } from './catalog-column.js';
import { type TypeRow, extensionOf, typeOf } from './catalog-type.js';
import { SELECT_COLUMNS } from './sql/select-columns.js';
import { SELECT_DEFAULT_EXTENSIONS } from './sql/select-default-extensions.js';
import { SELECT_KEYS } from './sql/select-keys.js';
import { SELECT_TABLES } from './sql/select-tables.js';
import { SELECT_TYPES } from './sql/select-types.js';

/** Reads what the tables are made of. A name that is no table is missing from the result. */
export async function readCatalog(
  client: pg.Client,
  names: readonly QualifiedName[],
): Promise<CatalogModel> {
  const tables = await client.query<TableRow>(SELECT_TABLES, [
    names.map((name) => name.schema),
    names.map((name) => name.table),
  ]);
  const roots = tables.rows.filter((row) => row.level === 0);
  const oids = [roots.map((row) => row.oid)];
  const columns = groupByTable((await client.query<ColumnRow>(SELECT_COLUMNS, oids)).rows);
  const keys = groupByTable((await client.query<KeyRow>(SELECT_KEYS, oids)).rows);
  const types = (await client.query<TypeRow>(SELECT_TYPES, oids)).rows;
  const extensions = await client.query<ExtensionModel>(SELECT_DEFAULT_EXTENSIONS, oids);
  return {
    tables: roots.map((row) =>
      tableOf(
        row,
        (columns.get(row.oid) ?? []).map(columnOf),
        keys.get(row.oid) ?? [],
        tables.rows.filter((other) => other.root === row.oid && other.level > 0).map(partitionOf),
      ),
    ),
    types: types.filter((row) => row.extension === null).map(typeOf),
    extensions: unique([...types.flatMap(extensionOf), ...extensions.rows]),
  };
}

function tableOf(
  row: TableRow,
  columns: readonly ColumnModel[],
  keys: readonly KeyRow[],
  partitions: readonly PartitionModel[],
): TableModel {
  const primary = keys.find((key) => key.is_primary);
  const identity = keys.find((key) => key.is_replica_identity && !key.is_primary);
  return {
    name: { schema: row.schema, table: row.name },
    partitionKey: row.partition_key,
    columns,
    primaryKey: primary ? keyOf(primary) : null,
    replicaIdentity: isReplicaIdentity(row.replica_identity)
      ? row.replica_identity
      : ReplicaIdentity.Default,
    identityIndex: identity ? keyOf(identity) : null,
    partitions,
  };
}

function keyOf(row: KeyRow): KeyModel {
  return {
    name: row.name,
    columns: row.columns,
    includedColumns: row.included_columns,
    isDeferrable: row.is_deferrable,
    isInitiallyDeferred: row.is_initially_deferred,
    definition: row.definition,
  };
}

function partitionOf(row: TableRow): PartitionModel {
  return {
    name: { schema: row.schema, table: row.name },
    parent: { schema: row.parent_schema ?? '', table: row.parent_name ?? '' },
    bound: row.bound ?? 'DEFAULT',
    partitionKey: row.partition_key,
  };
}

function groupByTable<Row extends { readonly table_oid: string }>(
  rows: readonly Row[],
): ReadonlyMap<string, readonly Row[]> {
  const groups = new Map<string, Row[]>();
  for (const row of rows) {
    const group = groups.get(row.table_oid);
    if (group) group.push(row);
    else groups.set(row.table_oid, [row]);
  }
  return groups;
}

function unique(extensions: readonly ExtensionModel[]): readonly ExtensionModel[] {
  return [...new Map(extensions.map((extension) => [extension.name, extension])).values()];
}

interface TableRow {
  readonly oid: string;
  readonly root: string;
  readonly level: number;
  readonly schema: string;
  readonly name: string;
  readonly replica_identity: string;
  readonly partition_key: string | null;
  readonly parent_schema: string | null;
  readonly parent_name: string | null;
  readonly bound: string | null;
}

interface KeyRow {
  readonly table_oid: string;
  readonly name: string;
  readonly is_primary: boolean;
  readonly is_replica_identity: boolean;
  readonly is_deferrable: boolean;
  readonly is_initially_deferred: boolean;
  readonly definition: string | null;
  readonly columns: readonly string[];
  readonly included_columns: readonly string[];
}
