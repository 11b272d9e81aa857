import { NEEDED_TYPES } from './needed-types.js';

/** Types that the columns of the tables `$1` (OIDs) need, and those that these need in turn; built-in ones left out. */
export const SELECT_TYPES = `
  with ${NEEDED_TYPES}
  select s.nspname::text as schema, t.typname::text as name, t.typtype::text as kind,
         t.typcategory = 'A' and t.typelem <> 0 as is_array, rel.relkind::text as relation_kind,
         x.extname::text as extension, xs.nspname::text as extension_schema,
         coalesce((select json_agg(json_build_object('schema', ns.nspname, 'name', nt.typname))
                     from edges e join pg_type nt on nt.oid = e.needs
                     join pg_namespace ns on ns.oid = nt.typnamespace
                    where e.type = t.oid and nt.oid >= 16384), '[]'::json) as needs,
         (select json_agg(l.enumlabel order by l.enumsortorder) from pg_enum l where l.enumtypid = t.oid) as labels,
         (select json_agg(l.oid::bigint order by l.enumsortorder) from pg_enum l where l.enumtypid = t.oid) as label_oids,
         case when t.typtype = 'd' then format_type(t.typbasetype, t.typtypmod) end as base_type,
         t.typnotnull as is_not_null, pg_get_expr(t.typdefaultbin, 0) as default_expression,
         cs.nspname::text as collation_schema, c.collname::text as collation_name,
         coalesce((select json_agg(json_build_object('name', k.conname, 'definition', pg_get_constraintdef(k.oid), 'isValidated', k.convalidated)
                              order by k.conname)
                     from pg_constraint k where k.contypid = t.oid and k.contype = 'c'), '[]'::json) as checks,
         (select k.conname::text from pg_constraint k where k.contypid = t.oid and k.contype = 'n') as not_null_name,
         (select json_agg(json_build_object('name', a.attname, 'type', format_type(a.atttypid, a.atttypmod),
                   'collation', (select json_build_object('schema', an.nspname, 'name', ac.collname)
                                   from pg_collation ac join pg_namespace an on an.oid = ac.collnamespace
                                   join pg_type at on at.oid = a.atttypid
                                  where ac.oid = a.attcollation and a.attcollation <> at.typcollation)) order by a.attnum)
            from pg_attribute a where a.attrelid = t.typrelid and a.attnum > 0 and not a.attisdropped) as attributes,
         (select json_build_object('subtype', format_type(r.rngsubtype, null), 'multirangeName', m.typname,
                   'operatorClass', case when not ro.opcdefault then quote_ident(rn.nspname) || '.' || quote_ident(ro.opcname) end,
                   'collation', (select json_build_object('schema', an.nspname, 'name', ac.collname)
                                   from pg_collation ac join pg_namespace an on an.oid = ac.collnamespace
                                  where ac.oid = r.rngcollation and r.rngcollation <> st.typcollation),
                   'canonical', nullif(r.rngcanonical::oid, 0)::regproc::text, 'subtypeDiff', nullif(r.rngsubdiff::oid, 0)::regproc::text)
            from pg_range r join pg_type m on m.oid = r.rngmultitypid join pg_type st on st.oid = r.rngsubtype
            join pg_opclass ro on ro.oid = r.rngsubopc join pg_namespace rn on rn.oid = ro.opcnamespace
           where r.rngtypid = t.oid) as range
    from needed n
    join pg_type t on t.oid = n.type
    join pg_namespace s on s.oid = t.typnamespace
    left join pg_class rel on rel.oid = t.typrelid
    left join pg_depend e on e.classid = 'pg_type'::regclass and e.objid = t.oid and e.deptype = 'e'
     and e.refclassid = 'pg_extension'::regclass
    left join pg_extension x on x.oid = e.refobjid
    left join pg_namespace xs on xs.oid = x.extnamespace
    left join pg_type b on b.oid = t.typbasetype
    left join pg_collation c on c.oid = t.typcollation and t.typtype = 'd' and t.typcollation <> b.typcollation
    left join pg_namespace cs on cs.oid = c.collnamespace
   where t.oid >= 16384
   order by t.oid`;
