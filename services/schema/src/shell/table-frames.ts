import type { QualifiedName } from '@bunnydb/pg-model';
import type pg from 'pg';
import type { RelationStructure } from '../core/structure-model.js';
import { SELECT_TABLES } from './sql/select-tables.js';

/** A table or a partition, without what is its own. */
export type TableFrame = Pick<
  RelationStructure,
  | 'name'
  | 'root'
  | 'isRoot'
  | 'isPartitioned'
  | 'partition'
  | 'partitionKey'
  | 'inherits'
  | 'wasRewritten'
  | 'droppedNumbers'
> & { readonly oid: string };

/** Finds tables and the partitions below them; a partition that was asked for beside its root comes twice. */
export async function readTableFrames(
  client: pg.Client,
  names: readonly QualifiedName[],
): Promise<readonly TableFrame[]> {
  const { rows } = await client.query<TableRow>(SELECT_TABLES, [
    names.map((name) => name.schema),
    names.map((name) => name.table),
  ]);
  const roots = new Map(rows.filter((row) => row.level === 0).map((row) => [row.oid, row]));
  const rewritten = new Set(rows.filter((row) => row.was_rewritten).map((row) => row.root));
  return rows.map((row) => ({
    oid: row.oid,
    wasRewritten: rewritten.has(row.root),
    droppedNumbers: row.dropped,
    name: nameOf(row),
    root: nameOf(roots.get(row.root) ?? row),
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
  }));
}

/** What rows say of each table, by its OID. */
export function byTable<Row extends { readonly table_oid: string }, Model>(
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
  readonly dropped: readonly number[];
  readonly schema: string;
  readonly name: string;
  readonly kind: string;
  readonly was_rewritten: boolean;
  readonly partition_key: string | null;
  readonly inherits: readonly QualifiedName[];
  readonly parent_schema: string | null;
  readonly parent_name: string | null;
  readonly bound: string | null;
}
