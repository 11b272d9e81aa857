/** Every schema, and whether the user may create in it. */
export const SELECT_SCHEMAS = `
  select n.nspname::text as schema,
         has_schema_privilege(n.oid, 'create') and has_schema_privilege(n.oid, 'usage') as can_create
    from pg_namespace n`;
