/** What following asks of the destination beside the columns: columns of the primary key, and size with indexes and partitions, for each of the tables `$1` (schemas) and `$2` (names). */
export const SELECT_FOLLOW_DESTINATION = `
  select s.nspname::text as schema, c.relname::text as name,
         (select coalesce(json_agg(a.attname), '[]'::json)
            from pg_index i join pg_attribute a on a.attrelid = c.oid and a.attnum = any (i.indkey)
           where i.indrelid = c.oid and i.indisprimary) as key_columns,
         (select sum(pg_total_relation_size(p.relid))::text
            from (select c.oid as relid union select relid from pg_partition_tree(c.oid)) p) as bytes
    from unnest($1::text[], $2::text[]) as w (schema_name, table_name)
    join pg_namespace s on s.nspname = w.schema_name
    join pg_class c on c.relnamespace = s.oid and c.relname = w.table_name and c.relkind in ('r', 'p')`;

/** Which of the types `$1` (schemas) and `$2` (names) there are, with the labels of enums in their order. */
export const SELECT_NAMED_TYPES = `
  select s.nspname::text as schema, t.typname::text as name,
         coalesce((select json_agg(l.enumlabel order by l.enumsortorder) from pg_enum l where l.enumtypid = t.oid), '[]'::json) as labels
    from unnest($1::text[], $2::text[]) as w (schema_name, type_name)
    join pg_namespace s on s.nspname = w.schema_name
    join pg_type t on t.typnamespace = s.oid and t.typname = w.type_name`;
