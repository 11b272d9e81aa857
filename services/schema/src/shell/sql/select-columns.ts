import { SEQUENCE_OPTIONS_JSON } from './sequence-options.js';

/**
 * Columns of the tables `$1` (OIDs), with the sequences and functions that their defaults lean on. Functions of extensions are left out:
 * the extension brings them.
 */
export const SELECT_COLUMNS = `
  select a.attrelid::text as table_oid, a.attname::text as name, a.attnum::int as number,
         case when a.atthasmissing then array_to_string(a.attmissingval, '') end as missing,
         format_type(a.atttypid, a.atttypmod) as type, a.attnotnull as is_not_null,
         a.attislocal as is_local, nn.name as not_null_name, nn.is_local as not_null_is_local, nn.is_no_inherit as not_null_is_no_inherit,
         nn.is_validated as not_null_is_validated,
         pg_get_expr(d.adbin, d.adrelid) as expression,
         a.attgenerated::text as generation, a.attidentity::text as identity,
         cs.nspname::text as collation_schema, c.collname::text as collation_name,
         (select json_build_object('schema', sn.nspname, 'name', sc.relname, ${SEQUENCE_OPTIONS_JSON})
            from pg_depend o join pg_sequence q on q.seqrelid = o.objid
            join pg_class sc on sc.oid = q.seqrelid join pg_namespace sn on sn.oid = sc.relnamespace
           where a.attidentity <> '' and o.classid = 'pg_class'::regclass and o.deptype = 'i'
             and o.refclassid = 'pg_class'::regclass and o.refobjid = a.attrelid and o.refobjsubid = a.attnum
         ) as identity_options,
         coalesce((
           select json_agg(json_build_object('schema', sn.nspname, 'name', sc.relname, 'reference', sc.oid::regclass::text,
                    'isOwned', exists (
                      select from pg_depend o
                       where o.classid = 'pg_class'::regclass and o.objid = sc.oid and o.deptype = 'a'
                         and o.refclassid = 'pg_class'::regclass and o.refobjsubid > 0
                         and (o.refobjid = a.attrelid and o.refobjsubid = a.attnum
                              or o.refobjid in (select relid from pg_partition_ancestors(a.attrelid))
                                 and exists (select from pg_attribute oa where oa.attrelid = o.refobjid and oa.attnum = o.refobjsubid
                                                and oa.attname = a.attname))),
                    ${SEQUENCE_OPTIONS_JSON}) order by sc.oid)
             from (select distinct u.refobjid from pg_depend u
                    where u.classid = 'pg_attrdef'::regclass and u.objid = d.oid
                      and u.refclassid = 'pg_class'::regclass) uses
             join pg_sequence q on q.seqrelid = uses.refobjid
             join pg_class sc on sc.oid = q.seqrelid
             join pg_namespace sn on sn.oid = sc.relnamespace
         ), '[]'::json) as sequences,
         coalesce((
           select json_agg(distinct p.oid::regprocedure::text)
             from pg_depend u
             join pg_proc p on p.oid = u.refobjid
            where u.classid = 'pg_attrdef'::regclass and u.objid = d.oid
              and u.refclassid = 'pg_proc'::regclass and p.oid >= 16384
              and not exists (select from pg_depend e
                               where e.classid = 'pg_proc'::regclass and e.objid = p.oid and e.deptype = 'e')
         ), '[]'::json) as functions
    from pg_attribute a
    join pg_type t on t.oid = a.atttypid
    left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
    left join pg_collation c on c.oid = a.attcollation and a.attcollation <> t.typcollation
    left join pg_namespace cs on cs.oid = c.collnamespace
    left join lateral (
      select k.conname::text as name, k.conislocal as is_local, k.connoinherit as is_no_inherit, k.convalidated as is_validated
        from pg_constraint k
       where a.attnotnull and k.conrelid = a.attrelid and k.contype = 'n' and k.conkey[1] = a.attnum
    ) nn on true
   where a.attrelid = any ($1::oid[]) and a.attnum > 0 and not a.attisdropped
   order by a.attrelid, a.attnum`;
