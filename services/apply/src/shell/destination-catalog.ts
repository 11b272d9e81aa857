import type { PipelinedSession } from '@bunnydb/pg-client';
import { type QualifiedName, quoteIdentifier } from '@bunnydb/pg-model';
import { comparisonOf } from '../core/column-comparison.js';
import type { DestinationTable } from '../core/destination-table.js';
import type { ColumnNames, MirrorTables } from '../core/mirror-tables.js';
import { querySession } from './session-query.js';

/** Reads what the destination's catalog says about the tables; those that do not exist are left out. */
export async function readDestinationTables(
  session: PipelinedSession,
  names: readonly QualifiedName[],
): Promise<readonly DestinationTable[]> {
  const rows = await querySession(session, READ_TABLES, [
    JSON.stringify(names.map(({ schema, table }) => ({ schema, table }))),
  ]);
  return rows.map(([text]) => tableOf(JSON.parse(text ?? '') as TableRow));
}

/**
 * Reads the catalog and the columns' former names, and lets the mirror's tables know; between two transactions.
 *
 * @param only the tables to read, by source name; all when left out.
 */
export async function learnTables(
  session: PipelinedSession,
  tables: MirrorTables,
  mirrorId: string,
  only?: readonly QualifiedName[],
): Promise<void> {
  if (!only) {
    const facts = await readDestinationTables(session, tables.destinations);
    tables.learn(facts, await readColumnNames(session, mirrorId));
    return;
  }
  const destinations = only.flatMap((name) => tables.find(name)?.mapping.destination ?? []);
  const facts = await readDestinationTables(session, destinations);
  tables.relearn(only, facts, await readColumnNames(session, mirrorId));
}

async function readColumnNames(
  session: PipelinedSession,
  mirrorId: string,
): Promise<readonly ColumnNames[]> {
  const rows = await querySession(session, READ_COLUMN_NAMES, [mirrorId]);
  return rows.map(([schema, table, renamed]) => ({
    table: { schema: schema ?? '', table: table ?? '' },
    renamed: new Map(Object.entries(JSON.parse(renamed ?? '{}') as Record<string, string>)),
  }));
}

/** A name that two columns had belongs to the one that has it now, or had it last. */
const READ_COLUMN_NAMES = `
  select c.source_schema, c.source_table, json_object_agg(former, c.name order by c.attribute_number)::text
    from _bunny.column_name c, unnest(c.former_names) as former
   where c.mirror_id = $1
   group by 1, 2`;

/** The shape of the query's JSON. */
interface TableRow {
  readonly schema: string;
  readonly table: string;
  readonly oid: number;
  readonly kind: string;
  readonly fingerprint: string;
  readonly key: readonly string[] | null;
  readonly columns:
    | readonly {
        readonly name: string;
        readonly type_oid: number;
        readonly type_text: string;
        readonly equals_schema: string | null;
        readonly is_enum: boolean;
        readonly deterministic: boolean;
        readonly generated: boolean;
        readonly identity_always: boolean;
      }[]
    | null;
}

function tableOf(row: TableRow): DestinationTable {
  return {
    name: { schema: row.schema, table: row.table },
    oid: row.oid,
    isPartitioned: row.kind === 'p',
    key: row.key ?? [],
    fingerprint: row.fingerprint,
    columns: (row.columns ?? []).map((column) => ({
      name: column.name,
      typeOid: column.type_oid,
      typeText: column.type_text,
      equals:
        column.equals_schema === null
          ? '='
          : `operator(${quoteIdentifier(column.equals_schema)}.=)`,
      isGenerated: column.generated,
      isIdentityAlways: column.identity_always,
      comparison: comparisonOf({
        typeOid: column.type_oid,
        isEnum: column.is_enum,
        hasDeterministicCollation: column.deterministic,
      }),
    })),
  };
}

/**
 * One JSON object a table. The base type of a domain is found by walking down `typbasetype`. The key is the primary key, or else the
 * first valid unique index over plain NOT NULL columns that is checked at once.
 */
const READ_TABLES = `
  with recursive wanted as (
    select c.oid, c.relkind, w.schema, w.table
      from json_to_recordset($1::json) as w (schema text, "table" text)
      join pg_namespace n on n.nspname = w.schema
      join pg_class c on c.relnamespace = n.oid and c.relname = w.table and c.relkind in ('r', 'p')
  ), base (attrelid, attnum, typid) as (
    select a.attrelid, a.attnum, a.atttypid
      from pg_attribute a join wanted on wanted.oid = a.attrelid
     where a.attnum > 0 and not a.attisdropped
    union all
    select base.attrelid, base.attnum, t.typbasetype
      from base join pg_type t on t.oid = base.typid where t.typtype = 'd'
  ), columns as (
    select a.attrelid,
           json_agg(json_build_object(
             'name', a.attname,
             'type_oid', t.oid::int8,
             'type_text', format_type(t.oid, -1),
             'equals_schema', (
               select min(m.nspname)
                 from pg_opclass p
                 join pg_am h on h.oid = p.opcmethod and h.amname = 'btree'
                 join pg_amop o on o.amopfamily = p.opcfamily and o.amopstrategy = 3
                  and o.amoplefttype = p.opcintype and o.amoprighttype = p.opcintype
                 join pg_operator q on q.oid = o.amopopr and q.oprname = '='
                 join pg_namespace m on m.oid = q.oprnamespace and m.nspname <> 'pg_catalog'
                where p.opcdefault and p.opcintype = t.oid),
             'is_enum', t.typtype = 'e',
             'deterministic', coalesce(l.collisdeterministic, true),
             'generated', a.attgenerated <> '',
             'identity_always', a.attidentity = 'a') order by a.attnum) as columns,
           sum(a.xmin::text::int8)::text as fingerprint
      from pg_attribute a
      join base on base.attrelid = a.attrelid and base.attnum = a.attnum
      join pg_type t on t.oid = base.typid and t.typtype <> 'd'
      left join pg_collation l on l.oid = a.attcollation
     group by a.attrelid
  ), keys as (
    select distinct on (i.indrelid) i.indrelid,
           (select json_agg(a.attname order by k.place)
              from unnest(i.indkey::int2[]) with ordinality as k (attnum, place)
              join pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.attnum
             where k.place <= i.indnkeyatts) as key
      from pg_index i join wanted on wanted.oid = i.indrelid
     where i.indisunique and i.indisvalid and i.indimmediate and i.indpred is null and i.indexprs is null
       and not exists (
         select from unnest(i.indkey::int2[]) with ordinality as k (attnum, place)
           join pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.attnum
          where k.place <= i.indnkeyatts and not a.attnotnull)
     order by i.indrelid, i.indisprimary desc, i.indexrelid
  )
  select json_build_object(
           'schema', wanted.schema, 'table', wanted.table, 'oid', wanted.oid::int8, 'kind', wanted.relkind,
           'fingerprint', coalesce(columns.fingerprint, '0'), 'key', keys.key, 'columns', columns.columns)::text
    from wanted
    left join columns on columns.attrelid = wanted.oid
    left join keys on keys.indrelid = wanted.oid`;

/** The parameters of `CHECK_FINGERPRINT`: these tables, as they were read. */
export function fingerprintParameters(tables: readonly DestinationTable[]): readonly Buffer[] {
  const fingerprint = tables.reduce((sum, table) => sum + BigInt(table.fingerprint), 0n);
  return [
    Buffer.from(`{${tables.map((table) => table.oid).join()}}`),
    Buffer.from(`${fingerprint}`),
  ];
}

/** Fails with division by zero when a column of the tables was added or altered since; dropped ones are among those altered. */
export const CHECK_FINGERPRINT = `
  select 1 / (coalesce(sum(a.xmin::text::int8), 0) = $2::numeric)::int4
    from pg_attribute a
   where a.attrelid = any ($1::oid[]) and a.attnum > 0 and not a.attisdropped`;
