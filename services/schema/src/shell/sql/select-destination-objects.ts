/** One row about what the destination has: types with enum labels, extensions, sequences, and which of the functions `$1` (signatures). */
export const SELECT_DESTINATION_OBJECTS = `
  select coalesce((
           select json_agg(json_build_object('schema', n.nspname, 'name', t.typname,
                    'labels', coalesce((select json_agg(l.enumlabel) from pg_enum l where l.enumtypid = t.oid), '[]'::json)))
             from pg_type t join pg_namespace n on n.oid = t.typnamespace
             left join pg_class c on c.oid = t.typrelid
            where t.oid >= 16384 and t.typcategory <> 'A' and coalesce(c.relkind, 'c') = 'c'
         ), '[]'::json) as types,
         coalesce((
           select json_agg(json_build_object('schema', n.nspname, 'name', c.collname))
             from pg_collation c join pg_namespace n on n.oid = c.collnamespace where c.oid >= 16384
         ), '[]'::json) as collations,
         coalesce((select json_agg(extname) from pg_extension), '[]'::json) as extensions_installed,
         coalesce((select json_agg(name) from pg_available_extensions), '[]'::json) as extensions_available,
         coalesce((
           select json_agg(json_build_object('schema', n.nspname, 'table', c.relname))
             from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.relkind = 'S'
         ), '[]'::json) as sequences,
         coalesce((
           select json_agg(f.signature) from unnest($1::text[]) as f (signature)
            where to_regprocedure(f.signature) is not null
         ), '[]'::json) as functions`;

/** Names of all indexes, outside of PostgreSQL's own schemas. */
export const SELECT_INDEX_NAMES = `
  select n.nspname as schema, c.relname as table
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
   where c.relkind in ('i', 'I') and c.oid >= 16384 and n.nspname !~ '^pg_toast'`;
