/**
 * What following asks of the source beside the columns themselves, one row for each of the tables `$1` and `$2` (schemas, names): OID, whether the table or a partition of it was
 * ever written anew (then its file is no longer called as the table was numbered), types of columns by number, numbers of dropped columns, and the values that
 * partitions have stored for rows that were there when a column was added: a partitioned table has no rows of its own to store them for.
 */
export const SELECT_FOLLOW_SOURCE = `
  select s.nspname::text as schema, c.relname::text as name, c.oid::bigint::text as oid,
         exists (select from (select c.oid as relid union select relid from pg_partition_tree(c.oid)) p
                    join pg_class l on l.oid = p.relid
                  where l.relkind = 'r' and pg_relation_filenode(l.oid) <> l.oid) as was_rewritten,
         (select coalesce(json_object_agg(a.attnum, json_build_array(a.atttypid::bigint, a.atttypmod)), '{}'::json)
            from pg_attribute a where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped) as types,
         (select coalesce(json_agg(a.attnum), '[]'::json)
            from pg_attribute a where a.attrelid = c.oid and a.attnum > 0 and a.attisdropped) as dropped,
         case when c.relkind <> 'p' then '{}'::json else (
           select coalesce(json_object_agg(m.attname, m.missing), '{}'::json)
             from (select distinct on (a.attname) a.attname, array_to_string(a.attmissingval, '') as missing
                     from pg_partition_tree(c.oid) p join pg_attribute a on a.attrelid = p.relid
                    where p.isleaf and a.attnum > 0 and not a.attisdropped and a.atthasmissing
                    order by a.attname, p.relid) m
         ) end as missing
    from unnest($1::text[], $2::text[]) as w (schema_name, table_name)
    join pg_namespace s on s.nspname = w.schema_name
    join pg_class c on c.relnamespace = s.oid and c.relname = w.table_name and c.relkind in ('r', 'p')`;

/** What the catalog calls the types `$1` with the modifiers `$2`, in their order; null for one that is gone. And where the table with the OID `$3` is. */
export const SELECT_FOLLOW_MARK = `
  select coalesce((select json_agg(case when t.oid is not null then format_type(t.oid, w.modifier) end order by w.n)
                     from unnest($1::bigint[], $2::int[]) with ordinality as w (type, modifier, n)
                     left join pg_type t on t.oid = w.type::oid), '[]'::json) as types,
         (select json_build_object('schema', s.nspname, 'table', c.relname)
            from pg_class c join pg_namespace s on s.oid = c.relnamespace
           where c.oid = $3::bigint::oid) as place`;
