/**
 * Every relation outside the system schemas, its columns in one JSON array. `indimmediate`: a deferrable key cannot identify rows.
 */
export const SELECT_RELATIONS = `
  select c.oid::int8::float8 as oid, n.nspname::text as schema, c.relname::text as name, c.relkind::text as kind,
         c.relpersistence::text as persistence,
         pn.nspname::text as parent_schema, p.relname::text as parent_name,
         exists (select from pg_depend e
                  where e.classid = 'pg_class'::regclass and e.objid = c.oid and e.deptype = 'e') as is_extension_owned,
         coalesce(col.columns, '[]'::json) as columns,
         coalesce(ident.columns, '[]'::json) as identity_columns,
         coalesce(ident.computed, whole.computed, '[]'::json) as computed_identity,
         c.relreplident::text as replica_identity,
         exists (select from pg_index i where i.indrelid = c.oid and i.indisprimary) as has_primary_key,
         pg_has_role(c.relowner, 'usage') as is_owner,
         has_schema_privilege(n.oid, 'usage') and has_table_privilege(c.oid, 'select') as can_select,
         has_schema_privilege(n.oid, 'usage')
           and has_table_privilege(c.oid, 'insert') and has_table_privilege(c.oid, 'update')
           and has_table_privilege(c.oid, 'delete') and has_table_privilege(c.oid, 'truncate') as can_write,
         row_security_active(c.oid) as has_policies_for_user,
         greatest(c.reltuples, 0)::float8 as rows_estimated,
         case when c.relkind in ('r', 'm') then coalesce(pg_table_size(c.oid), 0) else 0 end::float8 as bytes
    from pg_class c
    join pg_namespace n on n.oid = c.relnamespace
    left join pg_inherits h on h.inhrelid = c.oid and c.relispartition
    left join pg_class p on p.oid = h.inhparent
    left join pg_namespace pn on pn.oid = p.relnamespace
    left join lateral (
      select json_agg(json_build_object(
               'name', a.attname, 'type', format_type(a.atttypid, a.atttypmod), 'isNotNull', a.attnotnull,
               'isGenerated', a.attgenerated <> '', 'hasDefault', a.atthasdef or a.attidentity <> ''
             ) order by a.attnum) as columns
        from pg_attribute a where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    ) col on true
    left join lateral (
      select json_agg(a.attname order by k.n) as columns,
             json_agg(a.attname order by k.n) filter (where a.attgenerated <> '') as computed
        from pg_index i
        cross join unnest(i.indkey::int2[]) with ordinality as k (attnum, n)
        join pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.attnum
       where i.indrelid = c.oid and k.n <= i.indnkeyatts and i.indisvalid
         and ((c.relreplident = 'd' and i.indisprimary and i.indimmediate)
              or (c.relreplident = 'i' and i.indisreplident))
    ) ident on true
    left join lateral (
      select json_agg(a.attname order by a.attnum) as computed
        from pg_attribute a
       where a.attrelid = c.oid and c.relreplident = 'f' and a.attgenerated <> ''
         and current_setting('server_version_num')::int >= 180000
    ) whole on true
   where c.relkind in ('r', 'p', 'v', 'm', 'f')
     and n.nspname not like 'pg\\_%' and n.nspname not in ('information_schema', '_bunny')
   order by n.nspname, c.relname`;
