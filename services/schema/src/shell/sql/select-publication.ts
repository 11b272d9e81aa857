/** The publication named `$1`, and the tables that it publishes with columns and row filter. */
export const SELECT_PUBLICATION = `
  select p.pubviaroot as via_partition_root, p.pubinsert, p.pubupdate, p.pubdelete, p.pubtruncate,
         coalesce((select json_agg(json_build_object('schema', t.schemaname, 'table', t.tablename,
                            'columns', t.attnames, 'rowFilter', t.rowfilter))
                     from pg_publication_tables t where t.pubname = p.pubname), '[]'::json) as tables
    from pg_publication p where p.pubname = $1`;
