/** Foreign keys of the relations `$1` (OIDs) that come from no parent. Columns that older servers lack are read through JSON. */
export const SELECT_FOREIGN_KEYS = `
  select k.conrelid::text as table_oid, k.conname::text as name,
         n.nspname::text as referenced_schema, c.relname::text as referenced_table,
         (select json_agg(a.attname order by u.n) from unnest(k.conkey) with ordinality u (attnum, n)
            join pg_attribute a on a.attrelid = k.conrelid and a.attnum = u.attnum) as columns,
         (select json_agg(a.attname order by u.n) from unnest(k.confkey) with ordinality u (attnum, n)
            join pg_attribute a on a.attrelid = k.confrelid and a.attnum = u.attnum) as referenced_columns,
         coalesce((select json_agg(a.attname order by u.n) from unnest(k.confdelsetcols) with ordinality u (attnum, n)
            join pg_attribute a on a.attrelid = k.conrelid and a.attnum = u.attnum), '[]'::json) as on_delete_columns,
         k.confmatchtype = 'f' as is_match_full, k.confupdtype::text as on_update, k.confdeltype::text as on_delete,
         k.condeferrable as is_deferrable, k.condeferred as is_initially_deferred, k.convalidated as is_validated,
         coalesce((to_jsonb(k) ->> 'conenforced')::boolean, true) as is_enforced,
         coalesce((to_jsonb(k) ->> 'conperiod')::boolean, false) as has_period
    from pg_constraint k
    join pg_class c on c.oid = k.confrelid
    join pg_namespace n on n.oid = c.relnamespace
   where k.conrelid = any ($1::oid[]) and k.contype = 'f' and k.conparentid = 0
   order by k.conrelid, k.conname`;
