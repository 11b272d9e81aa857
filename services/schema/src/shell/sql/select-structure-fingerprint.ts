/** A number that changes when a row of the catalog is written; which one it was is of no interest. */
const sumOf = (catalog: string, id: string, condition: string): string => `
  (select coalesce(sum(hashtextextended(concat_ws('/', ${id}, x.xmin::text), 0)::numeric), 0)::text || '/' || count(*)
     from ${catalog} x where ${condition})`;

/**
 * One text that stays the same as long as nobody alters the tables `$1` (schemas) and `$2` (names), their partitions, or what belongs to them. It is made of the
 * transactions that wrote the catalog's rows, so it tells neither what was altered nor in which way, and it may change without cause.
 */
export const SELECT_STRUCTURE_FINGERPRINT = `
  with tables as materialized (
    select c.oid
      from unnest($1::text[], $2::text[]) as w (schema_name, table_name)
      join pg_namespace s on s.nspname = w.schema_name
      join pg_class c on c.relnamespace = s.oid and c.relname = w.table_name and c.relkind in ('r', 'p')
    union
    select p.relid from unnest($1::text[], $2::text[]) as w (schema_name, table_name)
      join pg_namespace s on s.nspname = w.schema_name
      join pg_class c on c.relnamespace = s.oid and c.relname = w.table_name and c.relkind = 'p'
     cross join lateral pg_partition_tree(c.oid) p
  ),
  relations as materialized (
    select oid from tables union all select i.indexrelid from pg_index i where i.indrelid in (select oid from tables)
  )
  select md5(concat_ws(',',
    ${sumOf('pg_class', 'x.oid::text', 'x.oid in (select oid from relations)')},
    ${sumOf('pg_attribute', `x.attrelid::text, x.attnum::text`, 'x.attrelid in (select oid from relations)')},
    ${sumOf('pg_attrdef', 'x.oid::text', 'x.adrelid in (select oid from tables)')},
    ${sumOf('pg_constraint', 'x.oid::text', 'x.conrelid in (select oid from tables) or x.contypid <> 0')},
    ${sumOf('pg_index', 'x.indexrelid::text', 'x.indrelid in (select oid from tables)')},
    ${sumOf('pg_inherits', 'x.inhrelid::text', 'x.inhrelid in (select oid from tables)')},
    ${sumOf('pg_statistic_ext', 'x.oid::text', 'x.stxrelid in (select oid from tables)')},
    ${sumOf('pg_sequence', 'x.seqrelid::text', 'true')},
    ${sumOf('pg_enum', 'x.oid::text', 'true')},
    ${sumOf('pg_type', 'x.oid::text', `x.oid >= 16384 and x.typtype in ('d', 'r')`)},
    ${sumOf('pg_attribute', `x.attrelid::text, x.attnum::text`, `x.attrelid in (select t.typrelid from pg_type t join pg_class c on c.oid = t.typrelid where c.relkind = 'c' and t.oid >= 16384)`)},
    ${sumOf('pg_description', `x.objoid::text, x.objsubid::text`, 'x.objoid >= 16384')}
  )) as fingerprint`;

/** The same for the list of tables, whatever schema they are in. */
export const SELECT_TABLES_FINGERPRINT = `
  select md5(concat_ws(',', ${sumOf('pg_class', `x.oid::text, x.relname, x.relnamespace::text, x.relreplident::text`, `x.relkind in ('r', 'p') and x.oid >= 16384`)},
    ${sumOf('pg_index', 'x.indexrelid::text', 'x.indisprimary or x.indisreplident')})) as fingerprint`;
