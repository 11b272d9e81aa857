/**
 * What is set on the relations `$1` (OIDs), their columns, indexes, constraints and sequences, one row per setting. What has its default is not listed. `object` is a
 * name within the table; a sequence goes by the column that it serves.
 * Options come in their order.
 */
export const SELECT_SETTINGS = `
  with relation as (
    select c.oid, c.relkind, c.reloptions, c.reltoastrelid, c.relreplident
      from pg_class c where c.oid = any ($1::oid[])
  )
  select r.oid::text as table_oid, 'table_option' as kind, '' as object, o.option_name as key, o.option_value as value, o.n
    from relation r cross join lateral pg_options_to_table(r.reloptions) with ordinality o (option_name, option_value, n)
  union all
  select r.oid::text, 'table_option', '', 'toast.' || o.option_name, o.option_value, o.n
    from relation r join pg_class t on t.oid = r.reltoastrelid
    cross join lateral pg_options_to_table(t.reloptions) with ordinality o (option_name, option_value, n)
  union all
  select a.attrelid::text, s.kind, a.attname, s.key, s.value, s.n
    from relation r
    join pg_attribute a on a.attrelid = r.oid and a.attnum > 0 and not a.attisdropped
    join pg_type t on t.oid = a.atttypid
    cross join lateral (
      select 'storage', '', case a.attstorage when 'p' then 'plain' when 'e' then 'external' when 'x' then 'extended' else 'main' end, 0::bigint
       where a.attstorage <> t.typstorage
      union all
      select 'compression', '', case a.attcompression when 'p' then 'pglz' else 'lz4' end, 0 where a.attcompression <> ''
      union all
      select 'column_statistics', '', a.attstattarget::text, 0 where a.attstattarget >= 0
      union all
      select 'column_option', o.option_name, o.option_value, o.n
        from pg_options_to_table(a.attoptions) with ordinality o (option_name, option_value, n)
      union all
      select 'column_comment', '', col_description(a.attrelid, a.attnum), 0 where col_description(a.attrelid, a.attnum) is not null
    ) as s (kind, key, value, n)
  union all
  select i.indrelid::text, s.kind, x.relname, s.key, s.value, 0
    from relation r
    join pg_index i on i.indrelid = r.oid
    join pg_class x on x.oid = i.indexrelid
    cross join lateral (
      select 'index_statistics', a.attnum::text, a.attstattarget::text
        from pg_attribute a where a.attrelid = i.indexrelid and a.attstattarget >= 0
      union all
      select 'cluster', '', 'on' where i.indisclustered
      union all
      select 'replica_identity', '', 'index' where i.indisreplident
      union all
      select 'index_comment', '', obj_description(i.indexrelid, 'pg_class') where obj_description(i.indexrelid, 'pg_class') is not null
    ) as s (kind, key, value)
  union all
  select r.oid::text, 'replica_identity', '', '', case r.relreplident when 'f' then 'full' else 'nothing' end, 0
    from relation r where r.relreplident in ('f', 'n')
  union all
  select r.oid::text, 'table_comment', '', '', d.description, 0
    from relation r join pg_description d on d.classoid = 'pg_class'::regclass and d.objoid = r.oid and d.objsubid = 0
  union all
  select k.conrelid::text, 'constraint_comment', k.conname, '', d.description, 0
    from relation r
    join pg_constraint k on k.conrelid = r.oid
    join pg_description d on d.classoid = 'pg_constraint'::regclass and d.objoid = k.oid
  union all
  select r.oid::text, 'sequence_comment', a.attname, u.seq::regclass::text, c.description, 0
    from relation r
    join pg_attribute a on a.attrelid = r.oid and a.attnum > 0
    cross join lateral (
      select d.objid as seq from pg_depend d
       where d.classid = 'pg_class'::regclass and d.refclassid = 'pg_class'::regclass
         and d.refobjid = r.oid and d.refobjsubid = a.attnum and d.deptype in ('a', 'i')
      union
      select d.refobjid from pg_attrdef f
        join pg_depend d on d.classid = 'pg_attrdef'::regclass and d.objid = f.oid and d.refclassid = 'pg_class'::regclass
       where f.adrelid = r.oid and f.adnum = a.attnum
    ) u
    join pg_class s on s.oid = u.seq and s.relkind = 'S'
    join pg_description c on c.classoid = 'pg_class'::regclass and c.objoid = s.oid and c.objsubid = 0
   order by 1, 2, 3, 6, 4`;
