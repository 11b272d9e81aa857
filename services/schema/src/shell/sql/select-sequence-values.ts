/**
 * Sequences behind the columns of the tables `$1` schemas and `$2` names: of identities, owned ones, and those that a default takes from. `value` is
 * NULL for one that was never asked, or that the user may not look at; `is_permitted` tells whether he has the privilege `$3` on it.
 */
export const SELECT_SEQUENCE_VALUES = `
  with tables as materialized (
    select (w.n - 1)::int as table_no, c.oid
      from unnest($1::text[], $2::text[]) with ordinality as w (schema_name, table_name, n)
      join pg_namespace s on s.nspname = w.schema_name
      join pg_class c on c.relnamespace = s.oid and c.relname = w.table_name
  ),
  used as (
    select t.table_no, t.oid, d.refobjsubid as number, d.objid as seq
      from tables t
      join pg_depend d on d.refclassid = 'pg_class'::regclass and d.refobjid = t.oid and d.refobjsubid > 0
       and d.classid = 'pg_class'::regclass and d.deptype in ('a', 'i')
    union
    select t.table_no, t.oid, f.adnum, u.refobjid
      from tables t
      join pg_attrdef f on f.adrelid = t.oid
      join pg_depend u on u.classid = 'pg_attrdef'::regclass and u.objid = f.oid and u.refclassid = 'pg_class'::regclass
  )
  select used.table_no, a.attname::text as column_name, sn.nspname::text as schema, sc.relname::text as name,
         -- Older servers refuse to tell it to who may not see it, rather than tell nothing.
         case when has_sequence_privilege(q.seqrelid, 'usage, select') then pg_sequence_last_value(q.seqrelid)::text end as value,
         q.seqincrement::text as increment, q.seqmin::text as minimum, q.seqmax::text as maximum, q.seqcache::text as cache,
         q.seqcycle as cycles,
         has_sequence_privilege(q.seqrelid, 'usage, select')
           and ($3::text <> 'UPDATE' or has_sequence_privilege(q.seqrelid, 'update')) as is_permitted
    from used
    join pg_sequence q on q.seqrelid = used.seq
    join pg_attribute a on a.attrelid = used.oid and a.attnum = used.number and not a.attisdropped
    join pg_class sc on sc.oid = q.seqrelid
    join pg_namespace sn on sn.oid = sc.relnamespace
   order by used.table_no, used.number, sc.relname`;
