import { NEEDED_COLLATIONS } from './needed-collations.js';

/**
 * Comments on what tables share and what keeps its name on the other side: schemas, types with their attributes and constraints, collations. `target` is what
 * COMMENT ON takes.
 */
export const SELECT_SHARED_COMMENTS = `
  with ${NEEDED_COLLATIONS},
  target (classoid, objoid, objsubid, target) as (
    select 'pg_type'::regclass, t.oid, 0,
           case t.typtype when 'd' then 'domain ' else 'type ' end || quote_ident(s.nspname) || '.' || quote_ident(t.typname)
      from needed n join pg_type t on t.oid = n.type join pg_namespace s on s.oid = t.typnamespace
    union all
    select 'pg_class'::regclass, t.typrelid, a.attnum,
           'column ' || quote_ident(s.nspname) || '.' || quote_ident(t.typname) || '.' || quote_ident(a.attname)
      from needed n join pg_type t on t.oid = n.type and t.typtype = 'c' join pg_class c on c.oid = t.typrelid and c.relkind = 'c'
      join pg_namespace s on s.oid = t.typnamespace
      join pg_attribute a on a.attrelid = t.typrelid and a.attnum > 0 and not a.attisdropped
    union all
    select 'pg_constraint'::regclass, k.oid, 0,
           'constraint ' || quote_ident(k.conname) || ' on domain ' || quote_ident(s.nspname) || '.' || quote_ident(t.typname)
      from needed n join pg_type t on t.oid = n.type join pg_namespace s on s.oid = t.typnamespace join pg_constraint k on k.contypid = t.oid
    union all
    select 'pg_collation'::regclass, c.oid, 0, 'collation ' || quote_ident(s.nspname) || '.' || quote_ident(c.collname)
      from collation_used u join pg_collation c on c.oid = u.oid join pg_namespace s on s.oid = c.collnamespace
    union all
    select 'pg_namespace'::regclass, s.oid, 0, 'schema ' || quote_ident(s.nspname)
      from pg_namespace s
     where s.nspname <> 'public' and s.oid in (select c.relnamespace from pg_class c where c.oid = any ($1::oid[]))
  )
  select distinct t.target, d.description as text
    from target t
    join pg_description d on d.classoid = t.classoid and d.objoid = t.objoid and d.objsubid = t.objsubid
   where t.objoid >= 16384
     and not exists (select from pg_depend e where e.classid = t.classoid and e.objid = t.objoid and e.deptype = 'e')
   order by 1`;
