import { INDEX_BODY } from './index-body.js';

/** The primary keys and the replica identity's indexes of the tables `$1` (OIDs). */
export const SELECT_KEYS = `
  select i.indrelid::text as table_oid, c.relname::text as name,
         i.indisprimary as is_primary, i.indisreplident as is_replica_identity,
         not i.indimmediate as is_deferrable, coalesce(k.condeferred, false) as is_initially_deferred,
         pg_get_constraintdef(k.oid) as definition,
         ${INDEX_BODY} as body,
         (select json_agg(a.attname order by u.n) from unnest(i.indkey::int2[]) with ordinality u (attnum, n)
            join pg_attribute a on a.attrelid = i.indrelid and a.attnum = u.attnum
           where u.n <= i.indnkeyatts) as columns,
         coalesce((select json_agg(a.attname order by u.n) from unnest(i.indkey::int2[]) with ordinality u (attnum, n)
            join pg_attribute a on a.attrelid = i.indrelid and a.attnum = u.attnum
           where u.n > i.indnkeyatts), '[]'::json) as included_columns
    from pg_index i
    join pg_class c on c.oid = i.indexrelid
    left join pg_constraint k on k.conindid = i.indexrelid and k.contype in ('p', 'u') and k.conrelid = i.indrelid
   where i.indrelid = any ($1::oid[]) and i.indisvalid and (i.indisprimary or i.indisreplident)`;
