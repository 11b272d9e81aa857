/**
 * The definition of index `i` (`pg_index`) from USING on: what stands before it is put together from names as PostgreSQL does it, so its length is known and no
 * text has to be searched.
 */
export const INDEX_BODY = `
  (select substr(pg_get_indexdef(i.indexrelid), 1 + length(
            'CREATE ' || case when i.indisunique then 'UNIQUE ' else '' end || 'INDEX ' || quote_ident(bc.relname) || ' ON '
            || case when bc.relkind = 'I' then 'ONLY ' else '' end || quote_ident(bn.nspname) || '.' || quote_ident(bt.relname) || ' '))
     from pg_class bc, pg_class bt, pg_namespace bn
    where bc.oid = i.indexrelid and bt.oid = i.indrelid and bn.oid = bt.relnamespace)`;
