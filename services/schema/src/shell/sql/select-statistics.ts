/** Extended statistics of the relations `$1` (OIDs). Kinds are empty for those of one expression, which have none to choose. */
export const SELECT_STATISTICS = `
  select s.stxrelid::text as table_oid, n.nspname::text as schema, s.stxname::text as name,
         case when cardinality(s.stxkeys::int2[]) = 0 and s.stxkind::text[] = '{e}' then '[]'::json
              else (select json_agg(k.word order by k.word) from (values ('d', 'ndistinct'), ('f', 'dependencies'), ('m', 'mcv')) k (letter, word)
                     where k.letter = any (s.stxkind::text[])) end as kinds,
         pg_get_statisticsobjdef_columns(s.oid) as body,
         coalesce((
           select json_agg(distinct a.attname) from pg_attribute a
            where a.attrelid = s.stxrelid and a.attnum > 0
              and (a.attnum = any (s.stxkeys::int2[])
                   or exists (select from pg_depend d
                               where d.classid = 'pg_statistic_ext'::regclass and d.objid = s.oid
                                 and d.refclassid = 'pg_class'::regclass and d.refobjid = s.stxrelid and d.refobjsubid = a.attnum))
         ), '[]'::json) as columns,
         nullif((to_jsonb(s) ->> 'stxstattarget')::int, -1) as target,
         obj_description(s.oid, 'pg_statistic_ext') as comment
    from pg_statistic_ext s
    join pg_namespace n on n.oid = s.stxnamespace
   where s.stxrelid = any ($1::oid[])
   order by s.stxrelid, s.stxname`;
