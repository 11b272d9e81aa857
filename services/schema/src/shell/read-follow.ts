import type { SchemaFollowRequest } from '@bunnydb/contracts';
import { type QualifiedName, quoteIdentifier, quoteQualifiedName } from '@bunnydb/pg-model';
import type pg from 'pg';
import type { ColumnModel, TypeModel } from '../core/catalog-model.js';
import type {
  DestinationTable,
  ShapeColumn,
  SourceColumn,
  SourceTable,
} from '../core/follow-facts.js';
import { keyOf } from '../core/relation-facts.js';
import { typeKey } from '../core/type-order.js';
import { type ColumnRow, columnOf } from './catalog-column.js';
import { type TypeRow, typeOf } from './catalog-type.js';
import { SELECT_COLUMNS } from './sql/select-columns.js';
import { SELECT_FOLLOW_DESTINATION, SELECT_NAMED_TYPES } from './sql/select-follow-destination.js';
import { SELECT_FOLLOW_MARK, SELECT_FOLLOW_SOURCE } from './sql/select-follow-source.js';
import { SELECT_TABLES } from './sql/select-tables.js';
import { SELECT_TYPES } from './sql/select-types.js';

/** What the source's catalog says of the tables that are followed. */
export interface FollowedSource {
  readonly tables: ReadonlyMap<string, SourceTable>;
  readonly types: readonly TypeModel[];
  /** The shape that a mark told, with what the catalog calls its types; null when it told none. */
  readonly shape: readonly ShapeColumn[] | null;
  /** Where the table of the mark is now; null when it is gone, or there was no mark. */
  readonly place: QualifiedName | null;
}

/** Reads the source of a few tables in one snapshot, so that a change that is made meanwhile is seen as a whole or not at all. */
export async function readFollowedSource(
  client: pg.Client,
  names: readonly QualifiedName[],
  cause: SchemaFollowRequest['cause'],
): Promise<FollowedSource> {
  await client.query('begin isolation level repeatable read read only');
  try {
    const read = await readSource(client, names, cause);
    await client.query('commit');
    return read;
  } catch (error) {
    // The session goes on when it was only a lock that was not had.
    await client.query('rollback').catch(() => undefined);
    throw error;
  }
}

async function readSource(
  client: pg.Client,
  names: readonly QualifiedName[],
  cause: SchemaFollowRequest['cause'],
): Promise<FollowedSource> {
  const args = nameArguments(names);
  const facts = await client.query<SourceRow>(SELECT_FOLLOW_SOURCE, args);
  const oids = [facts.rows.map((row) => row.oid)];
  const columns = groupByTable((await client.query<ColumnRow>(SELECT_COLUMNS, oids)).rows);
  // Types that are built in need not be looked for, which would take longer than all the rest.
  const owning = facts.rows.filter((row) =>
    Object.values(row.types).some(([type]) => type >= FIRST_OWN_OID),
  );
  const types =
    owning.length === 0
      ? []
      : (await client.query<TypeRow>(SELECT_TYPES, [owning.map((row) => row.oid)])).rows;
  const mark = cause.kind === 'relation' ? cause : undefined;
  const told = mark?.columns ?? [];
  const { rows } = await client.query<MarkRow>(SELECT_FOLLOW_MARK, [
    told.map((column) => column.type_oid),
    told.map((column) => column.type_modifier),
    mark?.oid ?? null,
  ]);
  return {
    tables: new Map(facts.rows.map((row) => [keyOf(nameOf(row)), sourceOf(row, columns)])),
    types: types.filter((row) => row.extension === null).map(typeOf),
    shape:
      mark === undefined
        ? null
        : told.map((column, index) => ({
            name: column.name,
            typeOid: column.type_oid,
            typeModifier: column.type_modifier,
            type: rows[0]?.types[index] ?? null,
          })),
    place: rows[0]?.place ?? null,
  };
}

/** Reads the destination of a few tables. */
export async function readFollowedDestination(
  client: pg.Client,
  names: readonly QualifiedName[],
): Promise<ReadonlyMap<string, DestinationTable>> {
  const args = nameArguments(names);
  const { rows: tables } = await client.query<TableRow>(SELECT_TABLES, args);
  const roots = tables.filter((row) => row.level === 0);
  const columns = groupByTable(
    (await client.query<ColumnRow>(SELECT_COLUMNS, [roots.map((row) => row.oid)])).rows,
  );
  const { rows } = await client.query<DestinationRow>(SELECT_FOLLOW_DESTINATION, args);
  const facts = new Map(rows.map((row) => [keyOf(nameOf(row)), row]));
  const found = new Map<string, DestinationTable>();
  for (const root of roots) {
    const key = keyOf(nameOf(root));
    const row = facts.get(key);
    found.set(key, {
      columns: (columns.get(root.oid) ?? []).map(columnOf),
      keyColumns: row?.key_columns ?? [],
      bytes: Number(row?.bytes ?? 0),
    });
  }
  return found;
}

/** Which of the source's own types the destination has, by `typeKey`, with the labels of enums. */
export async function readPresentTypes(
  client: pg.Client,
  types: readonly TypeModel[],
): Promise<ReadonlyMap<string, readonly string[]>> {
  if (types.length === 0) return new Map();
  const { rows } = await client.query<NamedTypeRow>(SELECT_NAMED_TYPES, [
    types.map((type) => type.schema),
    types.map((type) => type.name),
  ]);
  return new Map(rows.map((row) => [typeKey(row), row.labels]));
}

/**
 * Which columns are NULL in the rows that the source's table has had longest: a default that was set after the column was added has not
 * touched them, one that the table was written anew for has.
 */
export async function readNullColumns(
  client: pg.Client,
  table: QualifiedName,
  columns: readonly string[],
): Promise<ReadonlySet<string>> {
  if (columns.length === 0) return new Set();
  const list = columns.map(quoteIdentifier);
  const { rows } = await client.query<{ empty: readonly boolean[] }>(
    `select array[${list.map((name) => `coalesce(bool_and(${name} is null), true)`).join(', ')}] as empty
       from (select ${list.join(', ')} from ${quoteQualifiedName(table)} limit ${SAMPLE_ROWS}) as oldest`,
  );
  return new Set(columns.filter((_, index) => rows[0]?.empty[index] === true));
}

function sourceOf(row: SourceRow, columns: ReadonlyMap<string, readonly ColumnRow[]>): SourceTable {
  return {
    oid: Number(row.oid),
    wasRewritten: row.was_rewritten,
    droppedNumbers: row.dropped,
    columns: (columns.get(row.oid) ?? []).map((column): SourceColumn => {
      const [typeOid = 0, typeModifier = -1] = row.types[String(column.number)] ?? [];
      const model: ColumnModel = columnOf(column);
      const missing = row.missing[column.name];
      return {
        ...model,
        number: column.number,
        typeOid,
        typeModifier,
        ...(missing === undefined ? {} : { missing }),
      };
    }),
  };
}

function nameArguments(names: readonly QualifiedName[]): [string[], string[]] {
  return [names.map((name) => name.schema), names.map((name) => name.table)];
}

function nameOf(row: { readonly schema: string; readonly name: string }): QualifiedName {
  return { schema: row.schema, table: row.name };
}

function groupByTable(rows: readonly ColumnRow[]): ReadonlyMap<string, readonly ColumnRow[]> {
  const groups = new Map<string, ColumnRow[]>();
  for (const row of rows) {
    const group = groups.get(row.table_oid);
    if (group) group.push(row);
    else groups.set(row.table_oid, [row]);
  }
  return groups;
}

const SAMPLE_ROWS = 1000;
/** Objects with smaller numbers are PostgreSQL's own. */
const FIRST_OWN_OID = 16_384;

interface SourceRow {
  readonly schema: string;
  readonly name: string;
  readonly oid: string;
  readonly was_rewritten: boolean;
  /** Type OID and modifier by attribute number. */
  readonly types: Readonly<Record<string, readonly [number, number]>>;
  readonly dropped: readonly number[];
  /** By column name. */
  readonly missing: Readonly<Record<string, string>>;
}

interface MarkRow {
  readonly types: readonly (string | null)[];
  readonly place: QualifiedName | null;
}

interface TableRow {
  readonly oid: string;
  readonly level: number;
  readonly schema: string;
  readonly name: string;
}

interface DestinationRow {
  readonly schema: string;
  readonly name: string;
  readonly key_columns: readonly string[];
  readonly bytes: string | null;
}

interface NamedTypeRow {
  readonly schema: string;
  readonly name: string;
  readonly labels: readonly string[];
}
