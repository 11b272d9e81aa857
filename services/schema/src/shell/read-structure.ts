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
import { readRules } from './read-rules.js';
import { withStoredValues } from './stored-values.js';
import { SELECT_COLLATIONS } from './sql/select-collations.js';
import { SELECT_COLUMNS } from './sql/select-columns.js';
import { SELECT_INDEX_EXTENSIONS } from './sql/select-index-extensions.js';
import { SELECT_KEYS } from './sql/select-keys.js';
import { SELECT_SETTINGS } from './sql/select-settings.js';
import { SELECT_SHARED_COMMENTS } from './sql/select-shared-comments.js';
import { SELECT_STATISTICS } from './sql/select-statistics.js';
import { SELECT_TYPES } from './sql/select-types.js';
import { type SettingRow, type StatisticsRow, settingOf, statisticsOf } from './structure-rows.js';
import { byTable, readTableFrames } from './table-frames.js';

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
  const frames = await readTableFrames(client, names);
  const all = [frames.map((frame) => frame.oid)];
  const read = async <Row extends pg.QueryResultRow>(sql: string): Promise<readonly Row[]> =>
    (await client.query<Row>(sql, all)).rows;
  const columns = withStoredValues(
    frames,
    byTable(await read<ColumnRow>(SELECT_COLUMNS), columnOf),
  );
  const keys = byTable(
    (await read<KeyRow>(SELECT_KEYS)).filter((row) => row.is_primary),
    keyModelOf,
  );
  const rulesOf = await readRules(client, frames);
  const statistics = byTable(await read<StatisticsRow>(SELECT_STATISTICS), statisticsOf);
  const settings = byTable(await read<SettingRow>(SELECT_SETTINGS), settingOf);
  const types = await read<TypeRow>(SELECT_TYPES);
  const collations = await read<CollationRow>(SELECT_COLLATIONS);
  const comments = await read<SharedComment>(SELECT_SHARED_COMMENTS);
  const [extensions] = await read<ExtensionsRow>(SELECT_INDEX_EXTENSIONS);
  const relations = frames.map(({ oid, ...frame }): RelationStructure => ({
    ...frame,
    ...rulesOf({ oid, ...frame }),
    columns: columns.get(oid) ?? [],
    primaryKey: keys.get(oid)?.[0] ?? null,
    statistics: statistics.get(oid) ?? [],
    settings: settings.get(oid) ?? [],
  }));
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

function uniqueByName(extensions: readonly ExtensionModel[]): readonly ExtensionModel[] {
  return [...new Map(extensions.map((extension) => [extension.name, extension])).values()];
}

interface ExtensionsRow {
  readonly needed: readonly ExtensionModel[];
  readonly installed: readonly string[];
  readonly available: readonly string[];
  readonly version_number: number;
}
