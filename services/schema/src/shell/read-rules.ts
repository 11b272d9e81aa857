import type { QualifiedName } from '@bunnydb/pg-model';
import type pg from 'pg';
import type { RelationStructure } from '../core/structure-model.js';
import { withCatalogRetries } from './catalog-race.js';
import { SELECT_CONSTRAINTS } from './sql/select-constraints.js';
import { SELECT_FOREIGN_KEYS } from './sql/select-foreign-keys.js';
import { SELECT_INDEXES } from './sql/select-indexes.js';
import {
  type ConstraintRow,
  type ForeignKeyRow,
  type IndexRow,
  constraintOf,
  foreignKeyOf,
  indexOf,
} from './structure-rows.js';
import { type TableFrame, byTable, readTableFrames } from './table-frames.js';

/** What rows of a table have to keep to, and its other indexes. */
export type TableRules = Pick<RelationStructure, 'indexes' | 'constraints' | 'foreignKeys'>;

/** Reads the rules of tables, by their OID. */
export async function readRules(
  client: pg.Client,
  frames: readonly TableFrame[],
): Promise<(frame: TableFrame) => TableRules> {
  const all = [frames.map((frame) => frame.oid)];
  const read = async <Row extends pg.QueryResultRow>(sql: string): Promise<readonly Row[]> =>
    (await client.query<Row>(sql, all)).rows;
  const indexes = byTable(await read<IndexRow>(SELECT_INDEXES), indexOf);
  const constraints = byTable(await read<ConstraintRow>(SELECT_CONSTRAINTS), constraintOf);
  const foreignKeys = byTable(await read<ForeignKeyRow>(SELECT_FOREIGN_KEYS), foreignKeyOf);
  return ({ oid }) => ({
    indexes: indexes.get(oid) ?? [],
    constraints: constraints.get(oid) ?? [],
    foreignKeys: foreignKeys.get(oid) ?? [],
  });
}

/** Tables with their rules only: a part of the structure that is quick to read. */
export async function readRuledTables(
  client: pg.Client,
  names: readonly QualifiedName[],
): Promise<readonly RelationStructure[]> {
  return await withCatalogRetries(async () => {
    const frames = await readTableFrames(client, names);
    const rulesOf = await readRules(client, frames);
    return frames.map(({ oid, ...frame }) => ({
      ...frame,
      columns: [],
      primaryKey: null,
      statistics: [],
      settings: [],
      ...rulesOf({ oid, ...frame }),
    }));
  });
}
