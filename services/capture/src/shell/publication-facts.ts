import type { TableMapping } from '@bunnydb/contracts';
import { MirrorError } from '@bunnydb/failure';
import { type QualifiedName, type ReplicaIdentity, formatQualifiedName } from '@bunnydb/pg-model';
import type pg from 'pg';
import type { PublishedTable } from '../core/publication-change.js';
import type { PublishableColumns } from '../core/publication-plan.js';
import type { PublishedIdentity } from '../core/published-identity.js';

/** The columns that a publication can send of the tables of which columns are left out. Generated columns cannot be listed. */
export async function readPublishableColumns(
  client: pg.Client,
  tables: readonly TableMapping[],
): Promise<PublishableColumns> {
  const listed = tables.filter((table) => table.exclude_columns.length > 0);
  if (listed.length === 0) return new Map();
  const { rows } = await client.query<QualifiedName & { columns: string[] }>(
    `select n.nspname::text as schema, c.relname::text as table, array_agg(a.attname::text order by a.attnum) as columns
     from ${WANTED}
     join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
     group by 1, 2`,
    namesOf(listed.map(({ source }) => source)),
  );
  return new Map(rows.map((row) => [formatQualifiedName(row), row.columns]));
}

/** @throws MirrorError `publication_missing` */
export async function readPublication(
  client: pg.Client,
  name: string,
): Promise<{ readonly viaRoot: boolean; readonly writes: boolean }> {
  const { rows } = await client.query<{ viaRoot: boolean; writes: boolean }>(
    `select pubviaroot as "viaRoot", pubupdate or pubdelete as writes from pg_catalog.pg_publication where pubname = $1`,
    [name],
  );
  if (!rows[0]) throw new MirrorError('publication_missing', 'the publication does not exist');
  return rows[0];
}

/** The tables that a publication lists by name. */
export async function readPublishedTables(
  client: pg.Client,
  name: string,
): Promise<readonly PublishedTable[]> {
  const { rows } = await client.query<
    QualifiedName & { columns: string[] | null; filtered: boolean }
  >(
    `select n.nspname::text as schema, c.relname::text as table, r.prqual is not null as filtered, ${COLUMN_LIST} as columns
     from pg_catalog.pg_publication p
     join pg_catalog.pg_publication_rel r on r.prpubid = p.oid
     join pg_catalog.pg_class c on c.oid = r.prrelid
     join pg_catalog.pg_namespace n on n.oid = c.relnamespace
     where p.pubname = $1
     order by 1, 2`,
    [name],
  );
  return rows.map(({ schema, table, columns, filtered }) => ({
    table: { schema, table },
    columns,
    hasFilter: filtered,
  }));
}

/** Which of the wanted tables a publication does not send under their own name, and which of those are partitioned. */
export async function readUnpublished(
  client: pg.Client,
  name: string,
  wanted: readonly QualifiedName[],
): Promise<readonly (QualifiedName & { readonly partitioned: boolean })[]> {
  const { rows } = await client.query<QualifiedName & { partitioned: boolean }>(
    `select w.schema, w.name as table, coalesce(c.relkind = 'p', false) as partitioned
     from unnest($1::text[], $2::text[]) with ordinality w (schema, name, place)
     left join (pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace)
       on n.nspname = w.schema and c.relname = w.name
     where not exists (select from pg_catalog.pg_publication_tables t
                       where t.pubname = $3 and t.schemaname = w.schema and t.tablename = w.name)
     order by w.place`,
    [...namesOf(wanted), name],
  );
  return rows;
}

/** How the rows of tables are identified, each partition for itself. */
export async function readIdentities(
  client: pg.Client,
  publication: string,
  tables: readonly QualifiedName[],
): Promise<readonly PublishedIdentity[]> {
  if (tables.length === 0) return [];
  const { rows } = await client.query<
    QualifiedName & {
      identity: ReplicaIdentity;
      identity_columns: string[];
      computed_columns: string[];
      column_list: string[] | null;
      filter_columns: string[];
    }
  >(
    `select ln.nspname::text as schema, l.relname::text as table, l.relreplident::text as identity,
       ${COLUMN_LIST} as column_list, ${FILTER_COLUMNS} as filter_columns,
       array(select a.attname::text from pg_catalog.pg_index i
             join pg_catalog.pg_attribute a on a.attrelid = i.indrelid and a.attnum = any ((i.indkey::int2[])[0:i.indnkeyatts - 1])
             where i.indrelid = l.oid and i.indisvalid and i.indimmediate
               and case l.relreplident when 'd' then i.indisprimary when 'i' then i.indisreplident else false end
             order by a.attnum) as identity_columns,
       array(select a.attname::text from pg_catalog.pg_attribute a
             where a.attrelid = l.oid and a.attgenerated <> ''
               and (l.relreplident = 'f' and pg_catalog.current_setting('server_version_num')::int >= 180000
                      and not (a.attgenerated = 's' and coalesce(pg_catalog.to_jsonb(q) ->> 'pubgencols', '') = 's')
                    or exists (select from pg_catalog.pg_index i
                                where i.indrelid = l.oid and i.indisvalid and a.attnum = any ((i.indkey::int2[])[0:i.indnkeyatts - 1])
                                  and case l.relreplident when 'd' then i.indisprimary when 'i' then i.indisreplident else false end))
             order by a.attnum) as computed_columns
     from ${WANTED}
     left join lateral (select relid from pg_catalog.pg_partition_tree(c.oid) where isleaf) leaf on true
     join pg_catalog.pg_class l on l.oid = coalesce(leaf.relid, c.oid)
     join pg_catalog.pg_namespace ln on ln.oid = l.relnamespace
     left join (pg_catalog.pg_publication_rel r join pg_catalog.pg_publication p on p.oid = r.prpubid and p.pubname = $3)
       on r.prrelid = c.oid
     left join pg_catalog.pg_publication q on q.pubname = $3
     order by 1, 2`,
    [...namesOf(tables), publication],
  );
  return rows.map((row) => ({
    table: { schema: row.schema, table: row.table },
    identity: row.identity,
    identityColumns: row.identity_columns,
    computedColumns: row.computed_columns,
    columnList: row.column_list,
    filterColumns: row.filter_columns,
  }));
}

function namesOf(tables: readonly QualifiedName[]): [schemas: string[], tables: string[]] {
  return [tables.map(({ schema }) => schema), tables.map(({ table }) => table)];
}

const WANTED = `unnest($1::text[], $2::text[]) w (schema, name)
     join pg_catalog.pg_namespace n on n.nspname = w.schema
     join pg_catalog.pg_class c on c.relnamespace = n.oid and c.relname = w.name`;

/** Names of the columns that the entry `r` lists; null if it lists none. */
const COLUMN_LIST = `case when r.prattrs is not null then
         array(select a.attname::text from pg_catalog.pg_attribute a where a.attrelid = r.prrelid and a.attnum = any (r.prattrs)) end`;

/**
 * The entry depends once on each column that it lists and once on each that its filter reads, so a listed column that is there twice is
 * read by the filter.
 */
const FILTER_COLUMNS = `array(select a.attname::text from pg_catalog.pg_depend d
             join pg_catalog.pg_attribute a on a.attrelid = d.refobjid and a.attnum = d.refobjsubid
             where r.prqual is not null and d.classid = 'pg_catalog.pg_publication_rel'::regclass and d.objid = r.oid
               and d.refclassid = 'pg_catalog.pg_class'::regclass and d.refobjid = r.prrelid and d.refobjsubid > 0
             group by a.attname, a.attnum
             having count(*) > case when coalesce(a.attnum = any (r.prattrs), false) then 1 else 0 end)`;
