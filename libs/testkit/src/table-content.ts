import { type QualifiedName, quoteIdentifier, quoteQualifiedName } from '@bunnydb/pg-model';

/** What a comparison needs of a session; `pg.Client` has it. */
export interface QuerySession {
  query<Row extends Record<string, unknown>>(
    sql: string,
    values?: unknown[],
  ): Promise<{ readonly rows: Row[] }>;
}

/** Settings under which a value has one text on every server and in every time zone. */
export const COMPARABLE_SESSION_SQL = `
  set statement_timeout = 0; set timezone = 'UTC'; set datestyle = 'ISO, YMD'; set intervalstyle = 'postgres';
  set extra_float_digits = 3; set bytea_output = 'hex'; set search_path = ''; set client_encoding = 'UTF8'`;

/** UTF-8 whatever the database's encoding is, so that databases of different encodings can be compared. */
export const digestOf = (columns: readonly string[]): string =>
  `md5(convert_to(row(${columns.map((column) => `${quoteIdentifier(column)}::text`).join(', ')})::text, 'UTF8'))`;

/** A part of a table's rows as a multiset: how many, and the sum of their 128-bit digests, which no order of reading changes. */
export interface ContentPart {
  readonly rows: number;
  readonly digest: string;
}

/** Roughly so much of a table's files falls into one part. */
const PART_BYTES = 8_192;
const PART_DIGITS_MAX = 4;

/** Into how many hexadecimal digits of the digest a table is split, so that a part holds few rows and parts are few. */
export async function readPartDigits(session: QuerySession, table: QualifiedName): Promise<number> {
  const { rows } = await session.query<{ bytes: string }>(
    `select coalesce(sum(pg_catalog.pg_relation_size(relid)), 0)::text as bytes
     from pg_catalog.pg_partition_tree(pg_catalog.to_regclass($1))`,
    [quoteQualifiedName(table)],
  );
  const parts = Number(rows[0]?.bytes) / PART_BYTES;
  return parts <= 1 ? 0 : Math.min(PART_DIGITS_MAX, Math.ceil(Math.log2(parts) / 4));
}

/**
 * Reads every row of the table and gives its content split by the digest of `identity` (the key, or all columns); the rows themselves stay
 * at the server. Two tables are equal when their parts are.
 */
export async function readContentParts(
  session: QuerySession,
  from: string,
  columns: readonly string[],
  identity: readonly string[],
  digits: number,
): Promise<ReadonlyMap<string, ContentPart>> {
  const { rows } = await session.query<{ part: string; rows: string; digest: string }>(
    // A sum, not XOR: a row that is there twice must not cancel itself out.
    `select part, count(*)::text as rows,
       coalesce(sum(('x' || left(digest, 16))::bit(64)::bigint::numeric), 0)::text || '/' ||
       coalesce(sum(('x' || right(digest, 16))::bit(64)::bigint::numeric), 0)::text as digest
     from (select left(${digestOf(identity)}, ${digits}) as part, ${digestOf(columns)} as digest
           from ${from}) as each_row
     group by part`,
  );
  return new Map(
    rows.map(({ part, rows: count, digest }) => [part, { rows: Number(count), digest }]),
  );
}

/** What a table is: its columns in their order, and what to read its rows from. */
export interface TableShape {
  readonly columns: readonly string[];
  /** For a `from` clause: a table that others inherit from has its own rows only, a partitioned one those of its partitions. */
  readonly from: string;
}

/** `undefined` when there is no such table. */
export async function readShape(
  session: QuerySession,
  table: QualifiedName,
): Promise<TableShape | undefined> {
  const name = quoteQualifiedName(table);
  const { rows } = await session.query<{ names: string[]; partitioned: boolean }>(
    `select array(select attname::text from pg_catalog.pg_attribute
                  where attrelid = c.oid and attnum > 0 and not attisdropped order by attnum) as names,
            relkind = 'p' as partitioned
     from pg_catalog.pg_class c where c.oid = pg_catalog.to_regclass($1)`,
    [name],
  );
  const [found] = rows;
  if (found === undefined) return undefined;
  return { columns: found.names, from: found.partitioned ? name : `only ${name}` };
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
     where i.indrelid = pg_catalog.to_regclass($1) and i.indisprimary and k.position <= i.indnkeyatts
     order by k.position`,
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
