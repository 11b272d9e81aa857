import type { MirrorSpec, TableMapping, TableStatus } from '@bunnydb/contracts';
import { MirrorError } from '@bunnydb/failure';
import type { PipelinedSession } from '@bunnydb/pg-client';
import {
  type Lsn,
  type QualifiedName,
  formatLsn,
  formatQualifiedName,
  parseLsn,
} from '@bunnydb/pg-model';
import { type MirrorTable, NOT_COPIED } from '../core/mirror-tables.js';
import type { SqlClient } from './bookkeeping.js';
import { moveTableNames } from './moved-tables.js';
import { querySession } from './session-query.js';

/**
 * Registers the mirror's tables: a new one is `pending`, or `running` from the position on when it is not to be copied. Tables that left
 * the mirror lose their rows; tables that were renamed keep theirs under their new names.
 */
export async function registerTables(
  client: SqlClient,
  spec: MirrorSpec,
  position: Lsn,
): Promise<void> {
  await moveTableNames(client, spec);
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
    [spec.id, tables, copies ? 'pending' : 'running', copies ? null : formatLsn(position)],
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

/** Reads where the tables' changes go, and since when the stream counts for them. */
export async function loadTables(
  client: SqlClient,
  spec: MirrorSpec,
): Promise<readonly MirrorTable[]> {
  const { rows } = await client.query(LOAD_TABLES, [spec.id]);
  return mirrorTablesOf(
    spec.tables,
    rows.map((row) => String(row['facts'])),
  );
}

/**
 * The same, on a session between two transactions of the main lane.
 *
 * @param only source names; all tables when left out.
 */
export async function reloadTables(
  session: PipelinedSession,
  spec: MirrorSpec,
  only?: readonly QualifiedName[],
): Promise<readonly MirrorTable[]> {
  const rows = only
    ? await querySession(session, `${LOAD_TABLES} ${OF_THESE}`, [spec.id, JSON.stringify(only)])
    : await querySession(session, LOAD_TABLES, [spec.id]);
  const names = only && new Set(only.map(formatQualifiedName));
  return mirrorTablesOf(
    spec.tables.filter(({ source }) => !names || names.has(formatQualifiedName(source))),
    rows.map(([facts]) => facts ?? '{}'),
  );
}

/** The shape of the query's JSON. */
interface TableFacts {
  readonly schema: string;
  readonly table: string;
  readonly state: TableStatus;
  readonly copy_lsn: string | null;
  readonly relation: string | null;
  readonly renamed_schema: string | null;
  readonly renamed_table: string | null;
  readonly skipped_lsns: readonly string[];
}

const LOAD_TABLES = `
  select json_build_object('schema', source_schema, 'table', source_table, 'state', state, 'copy_lsn', copy_lsn, 'relation', relation,
                           'renamed_schema', renamed_schema, 'renamed_table', renamed_table, 'skipped_lsns', skipped_lsns)::text as facts
    from _bunny.table_state where mirror_id = $1`;

const OF_THESE = `
  and (source_schema, source_table) in (select * from json_to_recordset($2::json) as t (schema text, "table" text))`;

function mirrorTablesOf(
  mappings: readonly TableMapping[],
  texts: readonly string[],
): readonly MirrorTable[] {
  const rows = texts.map((text) => JSON.parse(text) as TableFacts);
  const byName = new Map(rows.map((row) => [formatQualifiedName(row), row]));
  return mappings.map((mapping) => {
    const row = byName.get(formatQualifiedName(mapping.source));
    if (!row || (row.state === 'running' && row.copy_lsn === null))
      throw new MirrorError('unexpected', 'a table is not registered, or runs without a copy', {
        detail: { ...mapping.source },
      });
    return mirrorTableOf(mapping, row);
  });
}

function mirrorTableOf(mapping: TableMapping, row: TableFacts): MirrorTable {
  return {
    mapping,
    state: row.state,
    copyLsn: row.copy_lsn === null ? NOT_COPIED : parseLsn(row.copy_lsn),
    relation: row.relation,
    renamedTo:
      row.renamed_schema === null || row.renamed_table === null
        ? null
        : { schema: row.renamed_schema, table: row.renamed_table },
    // A transaction is skipped where it was parked; the main lane knows of none.
    ...(row.state === 'running' ? {} : { skippedLsns: new Set(row.skipped_lsns.map(parseLsn)) }),
  };
}

/**
 * Whether tables still have to be copied for the first time, and none again: one that holds the mirror's rows already is for its lane, which knows how
 * readers shall see it meanwhile.
 */
export async function hasOnlyFirstCopies(client: SqlClient, mirrorId: string): Promise<boolean> {
  const { rows } = await client.query(
    `select coalesce(bool_or(state in ('pending', 'copying'))
              and not bool_or(state = 'resyncing' or state in ('held', 'error') and wish ->> 'goes_on_as' = 'resyncing'), false) as first
       from _bunny.table_state where mirror_id = $1`,
    [mirrorId],
  );
  return rows[0]?.['first'] === true;
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
