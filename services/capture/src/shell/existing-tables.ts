import type { TableMapping } from '@bunnydb/contracts';
import { formatQualifiedName } from '@bunnydb/pg-model';
import type pg from 'pg';

/** The tables that the source has; one that was dropped is in nobody's way, and whoever looks at the source's tables tells of it. */
export async function existingTables(
  client: pg.Client,
  tables: readonly TableMapping[],
): Promise<readonly TableMapping[]> {
  const { rows } = await client.query<{ schema: string; table: string }>(
    `select w.schema, w.name as table
       from unnest($1::text[], $2::text[]) w (schema, name)
       join pg_catalog.pg_namespace n on n.nspname = w.schema
       join pg_catalog.pg_class c on c.relnamespace = n.oid and c.relname = w.name and c.relkind in ('r', 'p')`,
    [tables.map(({ source }) => source.schema), tables.map(({ source }) => source.table)],
  );
  const found = new Set(rows.map(formatQualifiedName));
  return tables.filter(({ source }) => found.has(formatQualifiedName(source)));
}
