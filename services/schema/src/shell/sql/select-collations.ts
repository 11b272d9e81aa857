import { NEEDED_COLLATIONS } from './needed-collations.js';

/** Collations of the user's that the relations `$1` (OIDs) need. How a locale is stored changed with versions 15 and 17, so it is read through JSON. */
export const SELECT_COLLATIONS = `
  with ${NEEDED_COLLATIONS}
  select n.nspname::text as schema, c.collname::text as name, c.collprovider::text as provider, c.collisdeterministic as is_deterministic,
         c.collcollate as collate, c.collctype as ctype,
         coalesce(to_jsonb(c) ->> 'colllocale', to_jsonb(c) ->> 'colliculocale') as locale, to_jsonb(c) ->> 'collicurules' as rules
    from collation_used u
    join pg_collation c on c.oid = u.oid
    join pg_namespace n on n.oid = c.collnamespace
   where c.collprovider in ('b', 'c', 'i')
   order by n.nspname, c.collname`;
