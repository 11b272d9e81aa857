import type { MirrorSpec, TableMapping } from '@bunnydb/contracts';
import type { QualifiedName } from '@bunnydb/pg-model';
import type { SqlClient } from './bookkeeping.js';

/**
 * Gives all that is noted of tables that were renamed on the source to their names of now: where they stand, what is parked, what their columns are called. A table that was held because of its
 * new name is tried again. One transaction, found done when it is run again.
 */
export async function moveTableNames(client: SqlClient, spec: MirrorSpec): Promise<void> {
  const moved = spec.tables.filter((mapping) => (mapping.former_sources ?? []).length > 0);
  if (moved.length === 0) return;
  const ledgers = await readLedgers(client);
  await client.query('begin');
  try {
    for (const mapping of moved) await moveTable(client, spec.id, mapping, ledgers);
    await client.query('commit');
  } catch (error) {
    await client.query('rollback');
    throw error;
  }
}

/** A table of `_bunny`, the schema service's too, and whether it names destination tables. */
interface Ledger {
  readonly name: string;
  readonly hasSource: boolean;
  readonly hasDestination: boolean;
}

async function readLedgers(client: SqlClient): Promise<readonly Ledger[]> {
  const { rows } = await client.query(
    `select c.relname::text as name, bool_or(a.attname = 'source_table') as has_source, bool_or(a.attname = 'destination_table') as has_destination
       from pg_catalog.pg_class c
       join pg_catalog.pg_namespace n on n.oid = c.relnamespace
       join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
      where n.nspname = '_bunny' and c.relkind = 'r'
      group by c.relname`,
  );
  return rows.map((row) => ({
    name: String(row['name']),
    hasSource: row['has_source'] === true,
    hasDestination: row['has_destination'] === true,
  }));
}

async function moveTable(
  client: SqlClient,
  mirrorId: string,
  mapping: TableMapping,
  ledgers: readonly Ledger[],
): Promise<void> {
  const former = await findFormer(client, mirrorId, mapping);
  if (!former) return;
  const { source, destination } = mapping;
  for (const { name, hasSource } of ledgers) {
    if (!hasSource) continue;
    const names = [mirrorId, source.schema, source.table];
    // What was noted under the new name before is of no table of the mirror.
    await client.query(
      `delete from _bunny.${name} where mirror_id = $1 and source_schema = $2 and source_table = $3`,
      names,
    );
    await client.query(
      `update _bunny.${name} set source_schema = $2, source_table = $3
        where mirror_id = $1 and source_schema = $4 and source_table = $5`,
      [...names, former.source.schema, former.source.table],
    );
  }
  for (const { name, hasDestination } of ledgers) {
    if (!hasDestination) continue;
    await client.query(
      `update _bunny.${name} set destination_schema = $2, destination_table = $3
        where mirror_id = $1 and destination_schema = $4 and destination_table = $5`,
      [
        mirrorId,
        destination.schema,
        destination.table,
        former.destination.schema,
        former.destination.table,
      ],
    );
  }
  await client.query(LET_GO, [mirrorId, source.schema, source.table]);
}

/** The name that the table is noted under, if that is not its own, and where its rows were. */
async function findFormer(
  client: SqlClient,
  mirrorId: string,
  { source, former_sources: formerSources = [] }: TableMapping,
): Promise<{ readonly source: QualifiedName; readonly destination: QualifiedName } | undefined> {
  const candidates = [source, ...formerSources.toReversed()];
  const { rows } = await client.query(
    `select t.source_schema, t.source_table, t.destination_schema, t.destination_table
       from unnest($2::text[], $3::text[]) with ordinality as w (schema_name, table_name, n)
       join _bunny.table_state t on t.mirror_id = $1 and t.source_schema = w.schema_name and t.source_table = w.table_name
      order by w.n limit 1`,
    [mirrorId, candidates.map(({ schema }) => schema), candidates.map(({ table }) => table)],
  );
  const [row] = rows;
  if (!row) return undefined;
  const name = { schema: String(row['source_schema']), table: String(row['source_table']) };
  if (name.schema === source.schema && name.table === source.table) return undefined;
  return {
    source: name,
    destination: {
      schema: String(row['destination_schema']),
      table: String(row['destination_table']),
    },
  };
}

const LET_GO = `
  update _bunny.table_state
     set renamed_schema = null, renamed_table = null, updated_at = now(),
         next_retry_at = case when state in ('held', 'error') and reason ->> 'kind' in ('table_renamed', 'table_missing')
                              then now() else next_retry_at end
   where mirror_id = $1 and source_schema = $2 and source_table = $3`;
