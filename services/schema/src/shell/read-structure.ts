import type { QualifiedName } from '@bunnydb/pg-model';
import type pg from 'pg';
import type { ExtensionModel } from '../core/catalog-model.js';
import { keyOf } from '../core/relation-facts.js';
import type { RelationStructure, SharedComment, StructureModel } from '../core/structure-model.js';
import { type CollationRow, collationOf } from './catalog-collation.js';
import { type ColumnRow, columnOf } from './catalog-column.js';
import { withCatalogRetries } from './catalog-race.js';
import { type KeyRow, keyModelOf } from './catalog-key.js';
import { type TypeRow, extensionOf, typeOf } from './catalog-type.js';
import { SELECT_COLLATIONS } from './sql/select-collations.js';
import { SELECT_COLUMNS } from './sql/select-columns.js';
import { SELECT_CONSTRAINTS } from './sql/select-constraints.js';
import { SELECT_FOREIGN_KEYS } from './sql/select-foreign-keys.js';
import { SELECT_INDEX_EXTENSIONS } from './sql/select-index-extensions.js';
import { SELECT_INDEXES } from './sql/select-indexes.js';
import { SELECT_KEYS } from './sql/select-keys.js';
import { SELECT_SETTINGS } from './sql/select-settings.js';
import { SELECT_SHARED_COMMENTS } from './sql/select-shared-comments.js';
import { SELECT_STATISTICS } from './sql/select-statistics.js';
import { SELECT_TABLES } from './sql/select-tables.js';
import { SELECT_TYPES } from './sql/select-types.js';
import {
  type ConstraintRow,
  type ForeignKeyRow,
  type IndexRow,
  type SettingRow,
  type StatisticsRow,
  constraintOf,
  foreignKeyOf,
  indexOf,
  settingOf,
  statisticsOf,
} from './structure-rows.js';

/**
 * Reads the structure of tables and of the partitions below them, with one statement per kind of object however many tables there are. A name that is
 * no table is missing from the result.
 */
export async function readStructure(
  client: pg.Client,
  names: readonly QualifiedName[],
): Promise<StructureModel> {
  return await withCatalogRetries(() => readOnce(client, names));
}

async function readOnce(
  client: pg.Client,
  names: readonly QualifiedName[],
): Promise<StructureModel> {
  const { rows: tables } = await client.query<TableRow>(SELECT_TABLES, [
    names.map((name) => name.schema),
    names.map((name) => name.table),
  ]);
  const roots = new Map(tables.filter((row) => row.level === 0).map((row) => [row.oid, row]));
  const all = [tables.map((row) => row.oid)];
  const read = async <Row extends pg.QueryResultRow>(sql: string): Promise<readonly Row[]> =>
    (await client.query<Row>(sql, all)).rows;
  const columns = byTable(await read<ColumnRow>(SELECT_COLUMNS), columnOf);
  const keys = byTable(
    (await read<KeyRow>(SELECT_KEYS)).filter((row) => row.is_primary),
    keyModelOf,
  );
  const indexes = byTable(await read<IndexRow>(SELECT_INDEXES), indexOf);
  const constraints = byTable(await read<ConstraintRow>(SELECT_CONSTRAINTS), constraintOf);
  const foreignKeys = byTable(await read<ForeignKeyRow>(SELECT_FOREIGN_KEYS), foreignKeyOf);
  const statistics = byTable(await read<StatisticsRow>(SELECT_STATISTICS), statisticsOf);
  const settings = byTable(await read<SettingRow>(SELECT_SETTINGS), settingOf);
  const types = await read<TypeRow>(SELECT_TYPES);
  const collations = await read<CollationRow>(SELECT_COLLATIONS);
  const comments = await read<SharedComment>(SELECT_SHARED_COMMENTS);
  const [extensions] = await read<ExtensionsRow>(SELECT_INDEX_EXTENSIONS);
  const relations = tables.map((row): RelationStructure => {
    const root = roots.get(row.root) ?? row;
    return {
      name: nameOf(row),
      root: nameOf(root),
      isRoot: row.level === 0,
      isPartitioned: row.kind === 'p',
      partition:
        row.level === 0 || row.bound === null
          ? null
          : {
              parent: { schema: row.parent_schema ?? '', table: row.parent_name ?? '' },
              bound: row.bound,
            },
      partitionKey: row.partition_key,
      inherits: row.inherits,
      columns: columns.get(row.oid) ?? [],
      primaryKey: keys.get(row.oid)?.[0] ?? null,
      indexes: indexes.get(row.oid) ?? [],
      constraints: constraints.get(row.oid) ?? [],
      foreignKeys: foreignKeys.get(row.oid) ?? [],
      statistics: statistics.get(row.oid) ?? [],
      settings: settings.get(row.oid) ?? [],
    };
  });
  return {
    // A partition that was asked for beside its root comes twice.
    relations: [...new Map(relations.map((relation) => [keyOf(relation.name), relation])).values()],
    neededExtensions: uniqueByName([...(extensions?.needed ?? []), ...types.flatMap(extensionOf)]),
    installedExtensions: extensions?.installed ?? [],
    availableExtensions: extensions?.available ?? [],
    types: types.filter((row) => row.extension === null).map(typeOf),
    collations: collations.map(collationOf),
    comments,
    versionNumber: extensions?.version_number ?? 0,
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

function uniqueByName(extensions: readonly ExtensionModel[]): readonly ExtensionModel[] {
  return [...new Map(extensions.map((extension) => [extension.name, extension])).values()];
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
  readonly partition_key: string | null;
  readonly inherits: readonly QualifiedName[];
  readonly parent_schema: string | null;
  readonly parent_name: string | null;
  readonly bound: string | null;
}

interface ExtensionsRow {
  readonly needed: readonly ExtensionModel[];
  readonly installed: readonly string[];
  readonly available: readonly string[];
  readonly version_number: number;
}
