/**
 * Extensions whose functions the defaults and generated columns of the tables `$1` (OIDs) call, or whose operator classes their
 * primary keys or identity indexes use (WITHOUT OVERLAPS).
 */
export const SELECT_DEFAULT_EXTENSIONS = `
  select distinct x.extname::text as name, s.nspname::text as schema
    from pg_attrdef d
    join pg_depend u on u.classid = 'pg_attrdef'::regclass and u.objid = d.oid and u.refclassid = 'pg_proc'::regclass
    join pg_depend e on e.classid = 'pg_proc'::regclass and e.objid = u.refobjid and e.deptype = 'e'
     and e.refclassid = 'pg_extension'::regclass
    join pg_extension x on x.oid = e.refobjid
    join pg_namespace s on s.oid = x.extnamespace
   where d.adrelid = any ($1::oid[])
  union
  select x.extname::text, s.nspname::text
    from pg_index i
    join pg_depend u on u.classid = 'pg_class'::regclass and u.objid = i.indexrelid and u.refclassid = 'pg_opclass'::regclass
    join pg_depend e on e.classid = 'pg_opclass'::regclass and e.objid = u.refobjid and e.deptype = 'e'
     and e.refclassid = 'pg_extension'::regclass
    join pg_extension x on x.oid = e.refobjid
    join pg_namespace s on s.oid = x.extnamespace
   where i.indrelid = any ($1::oid[]) and (i.indisprimary or i.indisreplident)`;
