/**
 * Indexes of the relations `$1` (OIDs) that hang on no parent's index. `prefix` is what the definition begins with, put together from names as
 * PostgreSQL does it; what follows names no table.
 */
export const SELECT_INDEXES = `
  select i.indrelid::text as table_oid, c.relname::text as name, i.indisunique as is_unique, i.indisvalid as is_valid,
         pg_get_indexdef(i.indexrelid) as definition,
         'CREATE ' || case when i.indisunique then 'UNIQUE ' else '' end || 'INDEX ' || quote_ident(c.relname) || ' ON '
           || case when c.relkind = 'I' then 'ONLY ' else '' end || quote_ident(n.nspname) || '.' || quote_ident(t.relname) || ' ' as prefix,
         k.conname::text as constraint_name,
         coalesce((
           select json_agg(a.attname order by a.attnum) from pg_attribute a
            where a.attrelid = i.indrelid and a.attnum > 0
              and (a.attnum = any (i.indkey::int2[])
                   or exists (select from pg_depend d
                               where d.classid = 'pg_class'::regclass and d.objid = i.indexrelid
                                 and d.refclassid = 'pg_class'::regclass and d.refobjid = i.indrelid and d.refobjsubid = a.attnum))
         ), '[]'::json) as columns
    from pg_index i
    join pg_class c on c.oid = i.indexrelid
    join pg_class t on t.oid = i.indrelid
    join pg_namespace n on n.oid = t.relnamespace
    left join pg_constraint k on k.conindid = i.indexrelid and k.conrelid = i.indrelid and k.contype in ('p', 'u', 'x')
   where i.indrelid = any ($1::oid[])
     and not exists (select from pg_inherits h where h.inhrelid = i.indexrelid)
   order by i.indrelid, c.relname`;
