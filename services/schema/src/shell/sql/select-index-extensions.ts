/** One row: extensions that the indexes of `$1` (OIDs) take operator classes or access methods from, and all that are installed. */
export const SELECT_INDEX_EXTENSIONS = `
  select coalesce((
           select json_agg(distinct jsonb_build_object('name', e.extname, 'schema', n.nspname))
             from (select 'pg_opclass'::regclass as class, o.oid as object
                     from pg_index i cross join lateral unnest(i.indclass::oid[]) as o (oid)
                    where i.indrelid = any ($1::oid[])
                   union
                   select 'pg_am'::regclass, c.relam
                     from pg_index i join pg_class c on c.oid = i.indexrelid where i.indrelid = any ($1::oid[])) used
             join pg_depend d on d.classid = used.class and d.objid = used.object and d.deptype = 'e'
             join pg_extension e on e.oid = d.refobjid
             join pg_namespace n on n.oid = e.extnamespace
         ), '[]'::json) as needed,
         coalesce((select json_agg(extname) from pg_extension), '[]'::json) as installed,
         coalesce((select json_agg(name) from pg_available_extensions), '[]'::json) as available,
         current_setting('server_version_num')::int as version_number`;
