/** Tables asked for by `$1` schemas and `$2` names; each partitioned one with all that hangs below it, parents first. */
export const SELECT_TABLES = `
  with wanted as (
    select c.oid, w.n
      from unnest($1::text[], $2::text[]) with ordinality as w (schema_name, table_name, n)
      join pg_namespace s on s.nspname = w.schema_name
      join pg_class c on c.relnamespace = s.oid and c.relname = w.table_name and c.relkind in ('r', 'p')
  ),
  found as (
    select w.n, w.oid as root, w.oid, null::oid as parent, 0 as level from wanted w
    union all
    select w.n, w.oid, p.relid, p.parentrelid, p.level
      from wanted w cross join lateral pg_partition_tree(w.oid) p
     where p.level > 0
  )
  select (f.n - 1)::int as table_no, f.oid::text, f.root::text, f.level,
         s.nspname::text as schema, c.relname::text as name, c.relkind::text as kind,
         c.relreplident::text as replica_identity,
         c.relkind = 'r' and pg_relation_filenode(c.oid) <> c.oid as was_rewritten,
         case when c.relkind = 'p' then pg_get_partkeydef(c.oid) end as partition_key,
         case when not c.relispartition then coalesce((
           select json_agg(json_build_object('schema', hn.nspname, 'table', hc.relname) order by h.inhseqno)
             from pg_inherits h join pg_class hc on hc.oid = h.inhparent join pg_namespace hn on hn.oid = hc.relnamespace
            where h.inhrelid = c.oid
         ), '[]'::json) else '[]'::json end as inherits,
         ps.nspname::text as parent_schema, p.relname::text as parent_name,
         pg_get_expr(c.relpartbound, c.oid) as bound,
         array(select a.attnum::int from pg_attribute a
                where a.attrelid = c.oid and a.attnum > 0 and a.attisdropped order by a.attnum) as dropped
    from found f
    join pg_class c on c.oid = f.oid
    join pg_namespace s on s.oid = c.relnamespace
    left join pg_class p on p.oid = f.parent
    left join pg_namespace ps on ps.oid = p.relnamespace
   order by f.n, f.level, c.relname`;
