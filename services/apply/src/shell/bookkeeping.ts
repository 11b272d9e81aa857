/** The one method of `pg.Client` that bookkeeping needs. */
export interface SqlClient {
  query(
    text: string,
    values?: unknown[],
  ): Promise<{
    readonly rows: readonly Record<string, unknown>[];
    readonly rowCount: number | null;
  }>;
}

/**
 * Creates the destination's bookkeeping schema `_bunny`, or finds it. Idempotent; several appliers may start at once.
 *
 * What is there already is only looked at, never created "if not exists": that would ask for the CREATE privilege even when
 * an administrator has prepared the schema for a role that lacks it. What an older version made is brought up to date.
 */
export async function ensureBookkeeping(client: SqlClient): Promise<void> {
  if (await isComplete(client)) return;
  await client.query('begin');
  try {
    await client.query(`select pg_catalog.pg_advisory_xact_lock(${BOOKKEEPING_LOCK_KEY})`);
    if (!(await isComplete(client))) {
      if (!(await schemaExists(client))) await client.query('create schema _bunny');
      for (const statement of CREATE_TABLES) await client.query(statement);
      for (const statement of ADD_COLUMNS) await client.query(statement);
      if (await hasOldReason(client)) await client.query(CHANGE_REASON);
    }
    await client.query('commit');
  } catch (error) {
    await client.query('rollback');
    throw error;
  }
}

/** "bunny" in ASCII: serializes the creation among appliers. */
const BOOKKEEPING_LOCK_KEY = 0x62756e6e79;

/** The tables that all versions together have made. */
export const BOOKKEEPING_TABLES = [
  'position',
  'table_state',
  'copy_range',
  'parked_change',
  'column_name',
] as const;

/** Columns of `position` that came later than the table. */
const LATER_POSITION_COLUMNS = ['rebuild int not null default 0'] as const;

/** Columns of `table_state` that came later than the table. */
const LATER_COLUMNS = [
  'relation text',
  'wish json',
  `skipped_lsns pg_lsn[] not null default '{}'`,
  'attempts int not null default 0',
  'next_retry_at timestamptz',
  'renamed_schema text',
  'renamed_table text',
] as const;

async function isComplete(client: SqlClient): Promise<boolean> {
  const { rows } = await client.query(
    `select (select pg_catalog.count(*)::int from pg_catalog.pg_class c
               join pg_catalog.pg_namespace n on n.oid = c.relnamespace
              where n.nspname = '_bunny' and c.relname = any ($1)) as tables,
            (select pg_catalog.count(*)::int from pg_catalog.pg_attribute a
               join pg_catalog.pg_class c on c.oid = a.attrelid
               join pg_catalog.pg_namespace n on n.oid = c.relnamespace
              where n.nspname = '_bunny' and not a.attisdropped
                and (c.relname = 'table_state' and a.attname = any ($2)
                     or c.relname = 'position' and a.attname = any ($3))) as columns`,
    [BOOKKEEPING_TABLES, namesOf(LATER_COLUMNS), namesOf(LATER_POSITION_COLUMNS)],
  );
  const found = rows[0];
  return (
    found?.['tables'] === BOOKKEEPING_TABLES.length &&
    found['columns'] === LATER_COLUMNS.length + LATER_POSITION_COLUMNS.length &&
    !(await hasOldReason(client))
  );
}

/** Reasons were text before they became failure reports. */
async function hasOldReason(client: SqlClient): Promise<boolean> {
  const { rows } = await client.query(
    `select 1 from pg_catalog.pg_attribute a
       join pg_catalog.pg_class c on c.oid = a.attrelid
       join pg_catalog.pg_namespace n on n.oid = c.relnamespace
      where n.nspname = '_bunny' and c.relname = 'table_state' and a.attname = 'reason'
        and a.atttypid = 'pg_catalog.text'::pg_catalog.regtype`,
  );
  return rows.length > 0;
}

function namesOf(columns: readonly string[]): readonly string[] {
  return columns.map((column) => column.split(' ')[0] ?? column);
}

async function schemaExists(client: SqlClient): Promise<boolean> {
  const { rows } = await client.query(
    `select 1 from pg_catalog.pg_namespace where nspname = '_bunny'`,
  );
  return rows.length > 0;
}

const CREATE_TABLES = [
  `create table if not exists _bunny.position (
     mirror_id text primary key,
     mirror_name text not null,
     epoch bigint not null,
     lsn pg_lsn not null,
     stream_seq bigint not null,
     commit_time timestamptz,
     source_system_id text not null,
     -- Which rebuild of the source the position started from; 0: none.
     rebuild int not null default 0,
     updated_at timestamptz not null default now()
   ) with (fillfactor = 50)`,
  `create table if not exists _bunny.table_state (
     mirror_id text,
     source_schema text,
     source_table text,
     destination_schema text not null,
     destination_table text not null,
     state text not null,
     copy_lsn pg_lsn,
     -- Why it is held or in error: a failure report.
     reason json,
     -- The signature of the shape that was followed last; null: none yet.
     relation text,
     -- What was asked of the lane and is not taken up yet: a LaneWish, with the id of its command.
     wish json,
     -- Commit LSNs of source transactions whose changes of this table are not to be applied.
     skipped_lsns pg_lsn[] not null default '{}',
     attempts int not null default 0,
     next_retry_at timestamptz,
     -- The name that the source has it under now, if that is another one: the table is held, and changes of that name are its.
     renamed_schema text,
     renamed_table text,
     rows_copied bigint not null default 0,
     rows_inserted bigint not null default 0,
     rows_updated bigint not null default 0,
     rows_deleted bigint not null default 0,
     last_synced_at timestamptz,
     updated_at timestamptz not null default now(),
     primary key (mirror_id, source_schema, source_table)
   ) with (fillfactor = 70)`,
  `create table if not exists _bunny.copy_range (
     mirror_id text,
     source_schema text,
     source_table text,
     range_no int,
     copy_lsn pg_lsn not null,
     first_block bigint not null,
     end_block bigint,
     rows bigint not null,
     bytes bigint not null,
     finished_at timestamptz not null default now(),
     primary key (mirror_id, source_schema, source_table, range_no)
   )`,
  `create table if not exists _bunny.parked_change (
     mirror_id text,
     source_schema text,
     source_table text,
     id bigint generated always as identity,
     first_lsn pg_lsn not null,
     last_lsn pg_lsn not null,
     -- The message's headers, as they were, and the transactions of its batch.
     head json not null,
     transactions text not null,
     payload bytea not null,
     primary key (mirror_id, source_schema, source_table, id)
   )`,
  `create table if not exists _bunny.column_name (
     mirror_id text,
     source_schema text,
     source_table text,
     -- The column's attribute number at the source.
     attribute_number int not null,
     name text not null,
     former_names text[] not null default '{}',
     primary key (mirror_id, source_schema, source_table, attribute_number)
   )`,
] as const;

const ADD_COLUMNS = [
  ...LATER_COLUMNS.map(
    (column) => `alter table _bunny.table_state add column if not exists ${column}`,
  ),
  ...LATER_POSITION_COLUMNS.map(
    (column) => `alter table _bunny.position add column if not exists ${column}`,
  ),
];
const CHANGE_REASON = `
  alter table _bunny.table_state alter column reason type json
    using case when reason is not null then json_build_object(
      'kind', 'unexpected', 'message', reason, 'hint', '', 'action', 'retry_timed', 'detail', json_build_object()) end`;
