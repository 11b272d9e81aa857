import type { QualifiedName } from '@bunnydb/pg-model';
import { ReplicaIdentity, isReplicaIdentity } from '@bunnydb/pg-model';
import type pg from 'pg';
import type {
  CatalogModel,
  ColumnModel,
  ExtensionModel,
  PartitionModel,
  TableModel,
} from '../core/catalog-model.js';
import { withCatalogRetries } from './catalog-race.js';
import { type ColumnRow, columnOf } from './catalog-column.js';
import { type CollationRow, collationOf } from './catalog-collation.js';
import { type KeyRow, keyModelOf } from './catalog-key.js';
import { type TypeRow, extensionOf, typeOf } from './catalog-type.js';
import { SELECT_COLLATIONS } from './sql/select-collations.js';
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
  return await withCatalogRetries(() => readOnce(client, names));
}

async function readOnce(client: pg.Client, names: readonly QualifiedName[]): Promise<CatalogModel> {
  const tables = await client.query<TableRow>(SELECT_TABLES, [
    names.map((name) => name.schema),
    names.map((name) => name.table),
  ]);
  const roots = tables.rows.filter((row) => row.level === 0);
  const oids = [tables.rows.map((row) => row.oid)];
  const partitions = groupBy(
    tables.rows.filter((row) => row.level > 0),
    (row) => row.root,
  );
  const columns = groupBy((await client.query<ColumnRow>(SELECT_COLUMNS, oids)).rows, ofTable);
  const keys = groupBy((await client.query<KeyRow>(SELECT_KEYS, oids)).rows, ofTable);
  const types = (await client.query<TypeRow>(SELECT_TYPES, oids)).rows;
  const collations = (await client.query<CollationRow>(SELECT_COLLATIONS, oids)).rows;
  const extensions = await client.query<ExtensionModel>(SELECT_DEFAULT_EXTENSIONS, oids);
  return {
    tables: roots.map((row) =>
      tableOf(
        row,
        (columns.get(row.oid) ?? []).map(columnOf),
        keys.get(row.oid) ?? [],
        (partitions.get(row.oid) ?? []).map((partition) =>
          partitionOf(
            partition,
            (columns.get(partition.oid) ?? []).map(columnOf),
            keys.get(partition.oid) ?? [],
          ),
        ),
      ),
    ),
    types: types.filter((row) => row.extension === null).map(typeOf),
    collations: collations.map(collationOf),
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
    inherits: row.inherits,
    partitionKey: row.partition_key,
    columns,
    droppedNumbers: row.dropped,
    primaryKey: primary ? keyModelOf(primary) : null,
    replicaIdentity: isReplicaIdentity(row.replica_identity)
      ? row.replica_identity
      : ReplicaIdentity.Default,
    identityIndex: identity ? keyModelOf(identity) : null,
    partitions,
  };
}

function partitionOf(
  row: TableRow,
  columns: readonly ColumnModel[],
  keys: readonly KeyRow[],
): PartitionModel {
  const primary = keys.find((key) => key.is_primary);
  return {
    name: { schema: row.schema, table: row.name },
    parent: { schema: row.parent_schema ?? '', table: row.parent_name ?? '' },
    bound: row.bound ?? 'DEFAULT',
    partitionKey: row.partition_key,
    columns,
    primaryKey: primary ? keyModelOf(primary) : null,
  };
}

const ofTable = (row: { readonly table_oid: string }): string => row.table_oid;

function groupBy<Row>(
  rows: readonly Row[],
  keyOf: (row: Row) => string,
): ReadonlyMap<string, readonly Row[]> {
  const groups = new Map<string, Row[]>();
  for (const row of rows) {
    const group = groups.get(keyOf(row));
    if (group) group.push(row);
    else groups.set(keyOf(row), [row]);
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
  readonly dropped: readonly number[];
  readonly replica_identity: string;
  readonly partition_key: string | null;
  readonly inherits: readonly QualifiedName[];
  readonly parent_schema: string | null;
  readonly parent_name: string | null;
  readonly bound: string | null;
}
