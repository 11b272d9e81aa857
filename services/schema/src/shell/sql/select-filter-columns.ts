/** The columns that the row filter of publication `$1` reads; each publication here has one table. */
export const SELECT_FILTER_COLUMNS = `
  select distinct a.attname::text as name
    from pg_publication p
    join pg_publication_rel r on r.prpubid = p.oid
    join pg_depend d on d.classid = 'pg_publication_rel'::regclass and d.objid = r.oid
     and d.refclassid = 'pg_class'::regclass and d.refobjid = r.prrelid and d.refobjsubid > 0
    join pg_attribute a on a.attrelid = r.prrelid and a.attnum = d.refobjsubid
   where p.pubname = $1`;
