import { NEEDED_TYPES } from './needed-types.js';

/**
 * The same, and `collation_used (oid)`: collations of the user's that the relations `$1` (OIDs) need, be it in columns, types, indexes or in an expression
 * of any of their parts.
 */
export const NEEDED_COLLATIONS = `
  ${NEEDED_TYPES},
  part (classid, objid) as (
    select 'pg_class'::regclass, r.oid from unnest($1::oid[]) r (oid)
    union all
    select 'pg_class'::regclass, i.indexrelid from pg_index i where i.indrelid = any ($1::oid[])
    union all
    select 'pg_attrdef'::regclass, d.oid from pg_attrdef d where d.adrelid = any ($1::oid[])
    union all
    select 'pg_constraint'::regclass, k.oid from pg_constraint k where k.conrelid = any ($1::oid[])
    union all
    select 'pg_statistic_ext'::regclass, s.oid from pg_statistic_ext s where s.stxrelid = any ($1::oid[])
    union all
    select 'pg_type'::regclass, n.type from needed n
    union all
    select 'pg_class'::regclass, t.typrelid from needed n join pg_type t on t.oid = n.type where t.typrelid <> 0
    union all
    select 'pg_constraint'::regclass, k.oid from needed n join pg_constraint k on k.contypid = n.type
  ),
  collation_used (oid) as (
    select distinct d.refobjid
      from pg_depend d
      join part p on p.classid = d.classid and p.objid = d.objid
     where d.refclassid = 'pg_collation'::regclass and d.refobjid >= 16384
       and not exists (select from pg_depend e
                        where e.classid = 'pg_collation'::regclass and e.objid = d.refobjid and e.deptype = 'e')
  )`;
