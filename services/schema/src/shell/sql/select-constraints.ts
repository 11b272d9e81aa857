/** Primary keys, unique, exclusion and check constraints of the relations `$1` (OIDs) that come from no parent. */
export const SELECT_CONSTRAINTS = `
  select k.conrelid::text as table_oid, k.conname::text as name, k.contype::text as kind,
         pg_get_constraintdef(k.oid) as definition, k.convalidated as is_validated,
         coalesce((to_jsonb(k) ->> 'conenforced')::boolean, true) as is_enforced,
         k.condeferrable as is_deferrable, k.condeferred as is_initially_deferred,
         case when k.contype = 'c' then pg_get_expr(k.conbin, k.conrelid) end as expression,
         coalesce((
           select json_agg(a.attname order by a.attnum) from pg_attribute a
            where a.attrelid = k.conrelid and a.attnum > 0
              and (a.attnum = any (k.conkey)
                   or exists (select from pg_depend d
                               where d.classid = 'pg_class'::regclass and d.objid = k.conindid and k.conindid <> 0
                                 and d.refclassid = 'pg_class'::regclass and d.refobjid = k.conrelid and d.refobjsubid = a.attnum)
                   or exists (select from pg_index i where i.indexrelid = k.conindid and a.attnum = any (i.indkey::int2[])))
         ), '[]'::json) as columns
    from pg_constraint k
   where k.conrelid = any ($1::oid[]) and k.contype in ('p', 'u', 'x', 'c') and k.conislocal and k.conparentid = 0
   order by k.conrelid, k.conname`;
