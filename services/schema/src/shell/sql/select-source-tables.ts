/**
 * Where the tables `$1` (schemas) and `$2` (names), known by the numbers `$3` (null: not known), are in the source now, and what the publication `$4` has of them:
 * one row each, in their order.
 */
export const SELECT_SOURCE_TABLES = `
  select c.oid::int8::float8 as oid,
         r.oid is not null as is_published,
         case when r.prattrs is null then '[]' else coalesce((
           select json_agg(a.attname order by a.attnum) from pg_attribute a
            where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
              and not (a.attnum = any (r.prattrs))), '[]') end as unlisted,
         m.schema as other_schema, m.name as other_name
    from unnest($1::text[], $2::text[], $3::int8[]) with ordinality as w (schema_name, table_name, known, n)
    left join (pg_class c join pg_namespace s on s.oid = c.relnamespace)
      on s.nspname = w.schema_name and c.relname = w.table_name and c.relkind in ('r', 'p')
    left join pg_publication p on p.pubname = $4
    left join pg_publication_rel r on r.prpubid = p.oid and r.prrelid = c.oid
    left join lateral (
      select o.nspname::text as schema, t.relname::text as name from pg_class t join pg_namespace o on o.oid = t.relnamespace
       where c.oid is null and t.oid = w.known::oid and t.relkind in ('r', 'p')) m on true
   order by w.n`;

/** A text that stays the same as long as no table comes, goes, or is altered, and the publication \`$1\` stays as it is. */
export const SELECT_SOURCE_TABLES_FINGERPRINT = `
  select concat_ws('/',
    (select sum(hashtextextended(concat_ws('/', c.oid::text, c.relname, c.relnamespace::text, c.xmin::text), 0)::numeric) || '/' || count(*)
       from pg_class c where c.relkind in ('r', 'p') and c.oid >= 16384),
    (select sum(hashtextextended(concat_ws('/', r.oid::text, r.xmin::text), 0)::numeric) || '/' || count(*)
       from pg_publication_rel r join pg_publication p on p.oid = r.prpubid where p.pubname = $1)) as fingerprint`;
