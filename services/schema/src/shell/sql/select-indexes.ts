import { INDEX_BODY } from './index-body.js';

/** Indexes of the relations `$1` (OIDs) that hang on no parent's index; of those on partitioned tables also the indexes below, the deepest first. */
export const SELECT_INDEXES = `
  select i.indrelid::text as table_oid, c.relname::text as name, i.indisunique as is_unique, i.indisvalid as is_valid,
         ${INDEX_BODY} as body,
         coalesce((
           select json_agg(json_build_object('schema', cn.nspname, 'table', ct.relname, 'name', cc.relname) order by p.level desc, cc.relname)
             from pg_partition_tree(case when c.relkind = 'I' then c.oid end) p
             join pg_index ci on ci.indexrelid = p.relid
             join pg_class cc on cc.oid = ci.indexrelid
             join pg_class ct on ct.oid = ci.indrelid
             join pg_namespace cn on cn.oid = ct.relnamespace
            where p.level > 0
         ), '[]'::json) as children,
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
    left join pg_constraint k on k.conindid = i.indexrelid and k.conrelid = i.indrelid and k.contype in ('p', 'u', 'x')
   where i.indrelid = any ($1::oid[])
     and not exists (select from pg_inherits h where h.inhrelid = i.indexrelid)
   order by i.indrelid, c.relname`;
