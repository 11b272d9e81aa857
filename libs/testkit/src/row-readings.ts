import { type QualifiedName, quoteIdentifier, quoteQualifiedName } from '@bunnydb/pg-model';
import { type QuerySession, digestOf } from './table-content.js';

/**
 * How the rows of a table are told apart: by the key's columns; with no key, rows of the same content are one thing and what is compared is
 * how many of them there are.
 */
export interface RowLook {
  readonly table: QualifiedName;
  /** As `TableShape.from`. */
  readonly from: string;
  readonly columns: readonly string[];
  /** Empty when there is none. */
  readonly key: readonly string[];
}

/** What a row is at one moment: a digest per column, or, without a key, how many there are. */
export type RowVersion = readonly string[];

/** Rows by their id: the key's texts as a JSON array, or the digest of the content. */
export type RowReading = ReadonlyMap<string, RowVersion>;

const PART_QUERY_ROWS = 50_000;

/** The parts in such groups that a query for one brings about so many rows. */
export function partGroups(parts: readonly { readonly part: string; readonly rows: number }[]) {
  const groups: string[][] = [];
  let rowsLeft = 0;
  for (const { part, rows } of parts) {
    const last = groups.at(-1);
    if (last === undefined || rowsLeft < rows) {
      groups.push([part]);
      rowsLeft = PART_QUERY_ROWS - rows;
    } else {
      last.push(part);
      rowsLeft -= rows;
    }
  }
  return groups;
}

/** The rows of some parts: the id of each with a digest of what it is. */
export async function readPartRows(
  session: QuerySession,
  { from, columns, key }: RowLook,
  digits: number,
  parts: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const rowsOf = `from ${from} where left(${digestOf(key.length === 0 ? columns : key)}, ${digits}) = any ($1)`;
  const { rows } = await session.query<{ id: string; digest: string }>(
    key.length === 0
      ? `select ${digestOf(columns)} as id, count(*)::text as digest ${rowsOf} group by 1`
      : `select ${keyIdOf(key)} as id, ${digestOf(columns)} as digest ${rowsOf}`,
    [[...parts]],
  );
  return new Map(rows.map(({ id, digest }) => [id, digest]));
}

/**
 * Stands for all rows of a table without a key: how many there are, and a sum of the digests of each column's values. A row that changes
 * all the time is never twice the same content, so that it cannot be followed; but it keeps these from being equal when it is lost or wrong.
 */
export const WHOLE_TABLE = 'table';

/** A query that reads some rows again, as they are when it runs; a row that is gone is not in the reading. */
export type RowReader = (ids: readonly string[]) => Promise<RowReading>;

/** Prepares reading rows of this table by their ids, by the index of the key where there is one. */
export async function rowReader(session: QuerySession, look: RowLook): Promise<RowReader> {
  if (look.key.length === 0) return contentReader(session, look);
  const { from, columns, key } = look;
  const types = await readKeyTypes(session, look);
  const wanted = key.map((_, index) => `k${index}`);
  const matches = key.map((column, index) => {
    const type = types.get(column);
    // By the type's own equality, since an index serves it; a type of an extension has its operators in a schema that is not looked at.
    return type === undefined
      ? `${quoteIdentifier(column)}::text = wanted.k${index}`
      : `${quoteIdentifier(column)} = wanted.k${index}::${type}`;
  });
  const sql = `select ${keyIdOf(key)} as id, array[${columns.map(valueDigestOf).join(', ')}] as version
    from unnest(${key.map((_, index) => `$${index + 1}::text[]`).join(', ')}) as wanted (${wanted.join(', ')})
    join ${from} as each_row on ${matches.join(' and ')}`;
  return (ids) => {
    const keys = ids.map(keyTextsOf);
    const values = key.map((_, index) => keys.map((texts) => texts[index]));
    return readVersions(session, sql, values);
  };
}

function contentReader(session: QuerySession, { from, columns }: RowLook): RowReader {
  const sums = columns.map(
    (column) =>
      `coalesce(sum(('x' || left(nullif(${valueDigestOf(column)}, ''), 16))::bit(64)::bigint::numeric), 0)::text`,
  );
  const rowsSql = `select id, array[count(*)::text] as version
    from (select ${digestOf(columns)} as id from ${from}) as each_row where id = any ($1) group by id`;
  const tableSql = `select '${WHOLE_TABLE}' as id, array[${['count(*)::text', ...sums].join(', ')}] as version from ${from}`;
  return async (ids) => {
    const rows = await readVersions(session, rowsSql, [[...ids]]);
    if (!ids.includes(WHOLE_TABLE)) return rows;
    return new Map([...rows, ...(await readVersions(session, tableSql, []))]);
  };
}

/** The id of a row as people read it: `(7)`, or `(7, nl)`. */
export function describeId(id: string): string {
  return `(${keyTextsOf(id).join(', ')})`;
}

const keyIdOf = (key: readonly string[]): string =>
  `json_build_array(${key.map((column) => `${quoteIdentifier(column)}::text`).join(', ')})::text`;

function keyTextsOf(id: string): string[] {
  const texts: unknown = JSON.parse(id);
  return Array.isArray(texts) ? texts.map(String) : [];
}

/** A null has no digest. */
const valueDigestOf = (column: string): string =>
  `coalesce(md5(convert_to(${quoteIdentifier(column)}::text, 'UTF8')), '')`;

async function readVersions(
  session: QuerySession,
  sql: string,
  values: unknown[],
): Promise<RowReading> {
  const { rows } = await session.query<{ id: string; version: string[] }>(sql, values);
  return new Map(rows.map(({ id, version }) => [id, version]));
}

/** The types of those columns of the key that PostgreSQL itself can compare. */
async function readKeyTypes(
  session: QuerySession,
  { table, key }: RowLook,
): Promise<ReadonlyMap<string, string>> {
  const { rows } = await session.query<{ name: string; type: string }>(
    `select a.attname::text as name, pg_catalog.format_type(a.atttypid, a.atttypmod) as type
     from pg_catalog.pg_attribute a join pg_catalog.pg_type t on t.oid = a.atttypid
     where a.attrelid = pg_catalog.to_regclass($1) and a.attname = any ($2)
       and t.typnamespace = 'pg_catalog'::regnamespace`,
    [quoteQualifiedName(table), [...key]],
  );
  return new Map(rows.map(({ name, type }) => [name, type]));
}
