import { sqlstateOf } from '@bunnydb/pg-client';
import { formatQualifiedName, quoteIdentifier, quoteQualifiedName } from '@bunnydb/pg-model';
import type { SqlClient } from './bookkeeping.js';

/** What the schema service notes at the destination, by mirror as the applier does. */
export const SCHEMA_SERVICE_TABLES = [
  'shadow_table',
  'foreign_key',
  'built_table',
  'sync_run',
  'source_table',
  'carried_object',
  'enum_label',
] as const;

/**
 * Ends what swaps have left at the destination of a mirror that is deleted: shadow tables that were never swapped are dropped, and foreign keys that wait for
 * their validation get it now, since nobody will look at them later.
 *
 * @returns keys that could not be validated, in words; they hold for new rows all the same.
 */
export async function endSwaps(client: SqlClient, mirrorId: string): Promise<readonly string[]> {
  const { rows: there } = await client.query(
    `select c.relname::text as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where n.nspname = '_bunny' and c.relname in ('shadow_table', 'foreign_key')`,
  );
  const names = there.map((row) => String(row['name']));
  if (names.includes('shadow_table')) await dropShadows(client, mirrorId);
  return names.includes('foreign_key') ? await validateKeys(client, mirrorId) : [];
}

/** Drops the mirror's shadow tables that were never swapped. */
export async function dropShadows(client: SqlClient, mirrorId: string): Promise<void> {
  const { rows } = await client.query(
    `select destination_schema as schema, shadow_table as table from _bunny.shadow_table
      where mirror_id = $1 and swapped_at is null`,
    [mirrorId],
  );
  for (const row of rows) {
    const name = { schema: String(row['schema']), table: String(row['table']) };
    await client.query(`drop table if exists ${quoteQualifiedName(name)}`);
  }
}

async function validateKeys(client: SqlClient, mirrorId: string): Promise<readonly string[]> {
  const { rows } = await client.query(
    `select r.table_schema, r.table_name, r.constraint_name
       from _bunny.foreign_key r
       join pg_namespace n on n.nspname = r.table_schema
       join pg_class c on c.relnamespace = n.oid and c.relname = r.table_name
       join pg_constraint k on k.conrelid = c.oid and k.conname = r.constraint_name and not k.convalidated
      where r.mirror_id = $1`,
    [mirrorId],
  );
  const left: string[] = [];
  for (const row of rows) {
    const table = { schema: String(row['table_schema']), table: String(row['table_name']) };
    const key = String(row['constraint_name']);
    try {
      await client.query(
        `alter table ${quoteQualifiedName(table)} validate constraint ${quoteIdentifier(key)}`,
      );
    } catch (error) {
      // Without an SQLSTATE the connection is gone; anything else says that the key has to stay as it is.
      if (sqlstateOf(error) === undefined) throw error;
      left.push(`the foreign key ${key} of ${formatQualifiedName(table)} is not validated`);
    }
  }
  return left;
}
