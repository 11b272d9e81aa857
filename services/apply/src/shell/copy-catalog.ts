import type { TableMapping } from '@bunnydb/contracts';
import type { QualifiedName } from '@bunnydb/pg-model';
import type pg from 'pg';
import type { CopyColumn } from '../core/copy-columns.js';
import type { RelationSize } from '../core/copy-range.js';

/** One side's view of one table of the mirror. */
export interface TableFacts {
  /** Whether the name is a table, plain or partitioned. */
  readonly isTable: boolean;
  readonly isPartitioned: boolean;
  readonly columns: readonly CopyColumn[];
}

export interface DestinationFacts extends TableFacts {
  /** Whether triggers of the table or its partitions would fire on insert: the user's, or those of foreign keys. */
  readonly hasInsertTriggers: boolean;
}

/** Columns of each table, in the order asked for. */
export async function readTableFacts(
  client: pg.Client,
  names: readonly QualifiedName[],
): Promise<readonly TableFacts[]> {
  const facts = names.map(() => ({
    isTable: false,
    isPartitioned: false,
    columns: [] as CopyColumn[],
  }));
  const { rows } = await client.query<ColumnRow>(SELECT_COLUMNS, nameArrays(names));
  for (const row of rows) {
    const entry = facts[row.table_no];
    if (entry === undefined) continue;
    entry.isTable = true;
    entry.isPartitioned = row.relkind === 'p';
    if (row.name === null) continue;
    entry.columns.push({
      name: row.name,
      isGenerated: row.is_generated,
      typeOid: row.type_oid,
      typeKind: row.type_kind,
      elementOid: row.element_oid,
      elementKind: row.element_kind,
    });
  }
  return facts;
}

/** `readTableFacts`, and whether inserting would fire triggers. */
export async function readDestinationFacts(
  client: pg.Client,
  tables: readonly TableMapping[],
): Promise<readonly DestinationFacts[]> {
  const names = tables.map((table) => table.destination);
  const facts = await readTableFacts(client, names);
  const { rows } = await client.query<{ table_no: number }>(
    SELECT_INSERT_TRIGGERS,
    nameArrays(names),
  );
  const withTriggers = new Set(rows.map((row) => row.table_no));
  return facts.map((entry, index) => ({ ...entry, hasInsertTriggers: withTriggers.has(index) }));
}

/** The relations that hold each table's rows, in the order asked for: itself, or the leaves of a partitioned table. */
export async function readRelationSizes(
  client: pg.Client,
  names: readonly QualifiedName[],
): Promise<readonly (readonly RelationSize[])[]> {
  const sizes = names.map((): RelationSize[] => []);
  const { rows } = await client.query<SizeRow>(SELECT_SIZES, nameArrays(names));
  for (const row of rows) {
    sizes[row.table_no]?.push({
      relation: { schema: row.schema, table: row.name },
      hasBlocks: row.has_blocks,
      blocks: row.blocks,
      rowsEstimated: row.rows_estimated,
      bytes: row.bytes,
    });
  }
  return sizes;
}

function nameArrays(names: readonly QualifiedName[]): [string[], string[]] {
  return [names.map((name) => name.schema), names.map((name) => name.table)];
}

interface ColumnRow {
  readonly table_no: number;
  readonly relkind: string;
  readonly name: string | null;
  readonly is_generated: boolean;
  readonly type_oid: number;
  readonly type_kind: string;
  readonly element_oid: number;
  readonly element_kind: string;
}

interface SizeRow {
  readonly table_no: number;
  readonly schema: string;
  readonly name: string;
  readonly has_blocks: boolean;
  readonly blocks: number;
  readonly rows_estimated: number;
  readonly bytes: number;
}

/** Tables asked for by `$1` schemas and `$2` names, numbered from 0. */
const WANTED = `
  select (w.n - 1)::int as table_no, c.oid, c.relkind
    from unnest($1::text[], $2::text[]) with ordinality as w (schema_name, table_name, n)
    join pg_catalog.pg_namespace n on n.nspname = w.schema_name
    join pg_catalog.pg_class c on c.relnamespace = n.oid and c.relname = w.table_name
   where c.relkind in ('r', 'p', 'f')`;

const SELECT_COLUMNS = `
  with recursive wanted as (${WANTED}),
  under (oid, type_oid, type_kind) as (
    select distinct a.atttypid, t.oid, t.typtype
      from wanted w
      join pg_catalog.pg_attribute a on a.attrelid = w.oid and a.attnum > 0 and not a.attisdropped
      join pg_catalog.pg_type t on t.oid = a.atttypid
    union
    select u.oid, b.oid, b.typtype
      from under u
      join pg_catalog.pg_type d on d.oid = u.type_oid
      join pg_catalog.pg_type b on b.oid = d.typbasetype
     where u.type_kind = 'd'
  )
  select w.table_no, w.relkind, a.attname as name, a.attgenerated <> '' as is_generated,
         u.type_oid::int8::float8 as type_oid, u.type_kind,
         coalesce(e.oid, 0)::int8::float8 as element_oid, coalesce(e.typtype, '') as element_kind
    from wanted w
    left join (pg_catalog.pg_attribute a
               join under u on u.oid = a.atttypid and u.type_kind <> 'd'
               join pg_catalog.pg_type t on t.oid = u.type_oid
               left join pg_catalog.pg_type e on e.oid = t.typelem)
      on a.attrelid = w.oid and a.attnum > 0 and not a.attisdropped
   order by w.table_no, a.attnum`;

const SELECT_INSERT_TRIGGERS = `
  with wanted as (${WANTED})
  select distinct w.table_no
    from wanted w
    join lateral (select w.oid as relid
                   union select p.relid from pg_catalog.pg_partition_tree(w.oid) p) part on true
    join pg_catalog.pg_trigger t on t.tgrelid = part.relid
   where t.tgenabled = 'O' and (t.tgtype & 4) <> 0`;

const SELECT_SIZES = `
  with wanted as (${WANTED})
  select w.table_no, n.nspname as schema, c.relname as name,
         c.relkind = 'r' and am.amname = 'heap' as has_blocks,
         (coalesce(pg_catalog.pg_relation_size(c.oid), 0)
           / pg_catalog.current_setting('block_size')::int8)::float8 as blocks,
         c.reltuples::float8 as rows_estimated,
         coalesce(pg_catalog.pg_table_size(c.oid), 0)::float8 as bytes
    from wanted w
    join lateral (
      select w.oid as relid where w.relkind <> 'p'
      union all
      select p.relid from pg_catalog.pg_partition_tree(w.oid) p where w.relkind = 'p' and p.isleaf
    ) leaf on true
    join pg_catalog.pg_class c on c.oid = leaf.relid
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    left join pg_catalog.pg_am am on am.oid = c.relam
   order by w.table_no, leaf.relid`;
