/** Common table expressions: `needed (type)`, the types that columns of the relations `$1` (OIDs) need, and those that these need in turn. */
export const NEEDED_TYPES = `
  recursive edges (type, needs) as (
    select t.oid, t.typelem from pg_type t where t.typelem <> 0 and t.typcategory = 'A'
    union all
    select t.oid, t.typbasetype from pg_type t where t.typbasetype <> 0
    union all
    select t.oid, a.atttypid from pg_type t
      join pg_attribute a on a.attrelid = t.typrelid and a.attnum > 0 and not a.attisdropped
     where t.typtype = 'c'
    union all
    select r.rngtypid, r.rngsubtype from pg_range r
    union all
    select r.rngmultitypid, r.rngtypid from pg_range r
  ),
  needed (type) as (
    select a.atttypid from pg_attribute a
     where a.attrelid = any ($1::oid[]) and a.attnum > 0 and not a.attisdropped
    union
    select e.needs from needed n join edges e on e.type = n.type
  )`;
