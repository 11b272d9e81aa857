import { type QualifiedName, quoteIdentifier, quoteQualifiedName } from '@bunnydb/pg-model';

/** What a comparison needs of a session; `pg.Client` has it. */
export interface QuerySession {
  query<Row extends Record<string, unknown>>(
    sql: string,
    values?: unknown[],
  ): Promise<{ readonly rows: Row[] }>;
}

/** All rows of a table as a multiset: how many, and the sum of their 128-bit digests, which no order of reading changes. */
export interface TableContent {
  readonly rows: number;
  readonly digest: string;
}

/** Settings under which a value has one text on every server and in every time zone. */
export const COMPARABLE_SESSION_SQL = `
  set statement_timeout = 0; set timezone = 'UTC'; set datestyle = 'ISO, YMD'; set intervalstyle = 'postgres';
  set extra_float_digits = 3; set bytea_output = 'hex'; set search_path = ''; set client_encoding = 'UTF8'`;

/** UTF-8 whatever the database's encoding is, so that databases of different encodings can be compared. */
const digestOf = (columns: readonly string[]): string =>
  `md5(convert_to(row(${columns.map((column) => `${quoteIdentifier(column)}::text`).join(', ')})::text, 'UTF8'))`;

const keyTextOf = (key: readonly string[]): string =>
  `row(${key.map((column) => `${quoteIdentifier(column)}::text`).join(', ')})::text`;

/** A sum, not XOR: a row that is there twice must not cancel itself out. */
const DIGEST_SUM = `
  coalesce(sum(('x' || left(digest, 16))::bit(64)::bigint::numeric), 0)::text || '/' ||
  coalesce(sum(('x' || right(digest, 16))::bit(64)::bigint::numeric), 0)::text`;

/** Reads every row of the table; the rows themselves stay at the server. */
export async function readTableContent(
  session: QuerySession,
  table: QualifiedName,
  columns: readonly string[],
): Promise<TableContent> {
  const { rows } = await session.query<{ rows: string; digest: string }>(
    `select count(*)::text as rows, ${DIGEST_SUM} as digest
     from (select ${digestOf(columns)} as digest from ${quoteQualifiedName(table)}) as each_row`,
  );
  return { rows: Number(rows[0]?.rows), digest: rows[0]?.digest ?? '' };
}

/** The content split by the digest of the key into at most 256 parts, to find what differs without reading everything. */
export async function readContentParts(
  session: QuerySession,
  table: QualifiedName,
  columns: readonly string[],
  key: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const { rows } = await session.query<{ part: string; digest: string }>(
    `select part, count(*)::text || '/' || ${DIGEST_SUM} as digest
     from (select left(${digestOf(key)}, 2) as part, ${digestOf(columns)} as digest
           from ${quoteQualifiedName(table)}) as each_row
     group by part`,
  );
  return new Map(rows.map(({ part, digest }) => [part, digest]));
}

/** The keys of one part with the digests of their rows. */
export async function readPartKeys(
  session: QuerySession,
  table: QualifiedName,
  columns: readonly string[],
  key: readonly string[],
  part: string,
): Promise<ReadonlyMap<string, string>> {
  const { rows } = await session.query<{ key: string; digest: string }>(
    `select ${keyTextOf(key)} as key, ${digestOf(columns)} as digest from ${quoteQualifiedName(table)}
     where left(${digestOf(key)}, 2) = $1`,
    [part],
  );
  return new Map(rows.map((row) => [row.key, row.digest]));
}

/** The digests of the rows with these keys (as `readPartKeys` gives them); a key without a row is not in the answer. */
export async function readRowDigests(
  session: QuerySession,
  table: QualifiedName,
  columns: readonly string[],
  key: readonly string[],
  keys: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const { rows } = await session.query<{ key: string; digest: string }>(
    `select key, digest from (select ${keyTextOf(key)} as key, ${digestOf(columns)} as digest
     from ${quoteQualifiedName(table)} where ${keyTextOf(key)} = any ($1)) as wanted`,
    [[...keys]],
  );
  return new Map(rows.map((row) => [row.key, row.digest]));
}

/** The names of a table's columns in their order; empty when there is no such table. */
export async function readColumns(session: QuerySession, table: QualifiedName): Promise<string[]> {
  const { rows } = await session.query<{ name: string }>(
    `select attname as name from pg_catalog.pg_attribute
     where attrelid = pg_catalog.to_regclass($1) and attnum > 0 and not attisdropped order by attnum`,
    [quoteQualifiedName(table)],
  );
  return rows.map(({ name }) => name);
}

/** The columns of the primary key; empty when there is none. */
export async function readPrimaryKey(
  session: QuerySession,
  table: QualifiedName,
): Promise<string[]> {
  const { rows } = await session.query<{ name: string }>(
    `select a.attname as name from pg_catalog.pg_index i
     cross join lateral unnest(i.indkey::int2[]) with ordinality as k (attnum, position)
     join pg_catalog.pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.attnum
     where i.indrelid = pg_catalog.to_regclass($1) and i.indisprimary order by k.position`,
    [quoteQualifiedName(table)],
  );
  return rows.map(({ name }) => name);
}

/** Every table of a person that holds rows (no partitioned parents' children twice, nothing of BunnyDB's own). */
export async function readTableNames(session: QuerySession): Promise<QualifiedName[]> {
  const { rows } = await session.query<{ schema: string; table: string }>(
    `select n.nspname as schema, c.relname as table from pg_catalog.pg_class c
     join pg_catalog.pg_namespace n on n.oid = c.relnamespace
     where c.relkind in ('r', 'p') and not c.relispartition and c.relpersistence = 'p'
       and n.nspname not in ('pg_catalog', 'information_schema', '_bunny') and n.nspname not like 'pg\\_%'
     order by 1, 2`,
  );
  return rows.map(({ schema, table }) => ({ schema, table }));
}
