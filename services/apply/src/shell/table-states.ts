import type { MirrorSpec } from '@bunnydb/contracts';
import { MirrorError } from '@bunnydb/failure';
import { type Lsn, formatLsn, formatQualifiedName, parseLsn } from '@bunnydb/pg-model';
import type { MirrorTable } from '../core/mirror-tables.js';
import type { SqlClient } from './bookkeeping.js';

/**
 * Registers the mirror's tables: a new one is `pending`, or `running` from the mirror's start when it is not to be copied. Tables that left
 * the mirror lose their rows.
 */
export async function registerTables(
  client: SqlClient,
  spec: MirrorSpec,
  startLsn: Lsn,
): Promise<void> {
  const copies = spec.options.do_initial_snapshot;
  const tables = JSON.stringify(
    spec.tables.map(({ source, destination }) => ({
      source_schema: source.schema,
      source_table: source.table,
      destination_schema: destination.schema,
      destination_table: destination.table,
    })),
  );
  await client.query(
    `insert into _bunny.table_state (mirror_id, source_schema, source_table, destination_schema, destination_table, state, copy_lsn)
     select $1, t.source_schema, t.source_table, t.destination_schema, t.destination_table, $3, $4::pg_lsn
       from json_to_recordset($2) as t (source_schema text, source_table text, destination_schema text, destination_table text)
     on conflict (mirror_id, source_schema, source_table) do update
       set destination_schema = excluded.destination_schema, destination_table = excluded.destination_table
     where (table_state.destination_schema, table_state.destination_table)
           is distinct from (excluded.destination_schema, excluded.destination_table)`,
    [spec.id, tables, copies ? 'pending' : 'running', copies ? null : formatLsn(startLsn)],
  );
  for (const ledger of ['table_state', 'copy_range', 'parked_change', 'column_name']) {
    await client.query(
      `delete from _bunny.${ledger} as l
        where l.mirror_id = $1
          and not exists (
            select from json_to_recordset($2) as t (source_schema text, source_table text)
             where (t.source_schema, t.source_table) = (l.source_schema, l.source_table))`,
      [spec.id, tables],
    );
  }
}

/**
 * Reads since when the stream counts for each table.
 *
 * @throws MirrorError `unexpected` when a table is not copied yet; the copy runs before.
 */
export async function loadTables(
  client: SqlClient,
  spec: MirrorSpec,
): Promise<readonly MirrorTable[]> {
  const { rows } = await client.query(
    `select source_schema, source_table, state, copy_lsn::text as copy_lsn from _bunny.table_state where mirror_id = $1`,
    [spec.id],
  );
  return spec.tables.map((mapping) => {
    const row = rows.find(
      (candidate) =>
        candidate['source_schema'] === mapping.source.schema &&
        candidate['source_table'] === mapping.source.table,
    );
    const copyLsn = row?.['copy_lsn'];
    if (row?.['state'] !== 'running' || typeof copyLsn !== 'string') {
      throw new MirrorError('unexpected', 'a table is not copied yet', {
        detail: { schema: mapping.source.schema, table: mapping.source.table },
      });
    }
    return { mapping, copyLsn: parseLsn(copyLsn) };
  });
}

/** Whether any table still has to be copied. */
export async function hasPendingTables(client: SqlClient, mirrorId: string): Promise<boolean> {
  const { rows } = await client.query(
    `select 1 from _bunny.table_state where mirror_id = $1 and state <> 'running' limit 1`,
    [mirrorId],
  );
  return rows.length > 0;
}

/** What the bookkeeping has counted for each table so far. */
export async function loadCounts(
  client: SqlClient,
  mirrorId: string,
): Promise<
  readonly {
    readonly table: string;
    readonly inserted: number;
    readonly updated: number;
    readonly deleted: number;
  }[]
> {
  const { rows } = await client.query(
    `select source_schema, source_table, rows_inserted::float8, rows_updated::float8, rows_deleted::float8
       from _bunny.table_state where mirror_id = $1`,
    [mirrorId],
  );
  return rows.map((row) => ({
    table: formatQualifiedName({
      schema: String(row['source_schema']),
      table: String(row['source_table']),
    }),
    inserted: Number(row['rows_inserted']),
    updated: Number(row['rows_updated']),
    deleted: Number(row['rows_deleted']),
  }));
}
