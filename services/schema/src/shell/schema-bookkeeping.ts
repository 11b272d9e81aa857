import type { MirrorSpec, SchemaChange } from '@bunnydb/contracts';
import { FailureKind } from '@bunnydb/failure';
import { toMirrorError } from '@bunnydb/pg-client';
import type { QualifiedName } from '@bunnydb/pg-model';
import type pg from 'pg';
import { keyOf } from '../core/relation-facts.js';

/**
 * Creates what this service remembers at the destination, or finds it: shadow tables, and foreign keys that have to be validated or restored. What is there
 * already is only looked at, since creating "if not exists" asks for a privilege that the role may lack.
 *
 * @param options without `createsSchema` for who may come after everything was removed.
 */
export async function ensureSchemaBookkeeping(
  client: pg.Client,
  { createsSchema = true } = {},
): Promise<void> {
  if (await isComplete(client)) return;
  await client.query('begin');
  try {
    // The lock of whoever creates the schema _bunny, so that nobody is in the way of another.
    await client.query(`select pg_catalog.pg_advisory_xact_lock(${BOOKKEEPING_LOCK_KEY})`);
    if (!(await isComplete(client))) {
      const { rows } = await client.query(
        `select from pg_catalog.pg_namespace where nspname = '_bunny'`,
      );
      if (rows.length === 0 && createsSchema) await client.query('create schema _bunny');
      for (const statement of CREATE_TABLES) await client.query(statement);
    }
    await client.query('commit');
  } catch (error) {
    await client.query('rollback');
    throw error;
  }
}

/** What the command was about to make when it was delivered before; undefined when it is new. */
export async function findSyncRun(
  client: pg.Client,
  mirrorId: string,
  commandId: string,
): Promise<readonly SchemaChange[] | undefined> {
  await ensureSchemaBookkeeping(client);
  const { rows } = await client.query<{ changes: readonly SchemaChange[] }>(
    `select changes from _bunny.sync_run where mirror_id = $1 and command_id = $2`,
    [mirrorId, commandId],
  );
  return rows[0]?.changes;
}

/** Notes what a command is about to make. */
export async function noteSyncRun(
  client: pg.Client,
  mirrorId: string,
  commandId: string,
  changes: readonly SchemaChange[],
): Promise<void> {
  await client.query(
    `insert into _bunny.sync_run (mirror_id, command_id, changes) values ($1, $2, $3)
     on conflict (mirror_id) do update set command_id = excluded.command_id, changes = excluded.changes, begun_at = pg_catalog.now()`,
    [mirrorId, commandId, JSON.stringify(changes)],
  );
}

/** Tables that have been given everything once, by `keyOf`. */
export async function readBuiltTables(
  client: pg.Client,
  spec: MirrorSpec,
): Promise<ReadonlySet<string>> {
  const { rows: there } = await client.query<{ present: boolean }>(
    `select pg_catalog.to_regclass('_bunny.built_table') is not null as present`,
  );
  if (there[0]?.present !== true) return new Set();
  const { rows } = await client.query<QualifiedName>(
    `select source_schema as schema, source_table as table from _bunny.built_table where mirror_id = $1`,
    [spec.id],
  );
  return new Set(rows.map(keyOf));
}

/**
 * Notes that these tables have been given everything. A build is not in vain because nothing can be noted; the mirror's session tells that.
 *
 * @returns whether anything can be noted here.
 */
export async function noteBuiltTables(client: pg.Client, spec: MirrorSpec): Promise<boolean> {
  try {
    await ensureSchemaBookkeeping(client);
  } catch (error) {
    const failure = toMirrorError(error, { role: 'destination' });
    if (failure.kind !== FailureKind.PrivilegeMissing) throw failure;
    return false;
  }
  await client.query(
    `insert into _bunny.built_table (mirror_id, source_schema, source_table)
     select $1, t.source_schema, t.source_table from unnest($2::text[], $3::text[]) as t (source_schema, source_table)
     on conflict (mirror_id, source_schema, source_table) do update set built_at = pg_catalog.now()`,
    [
      spec.id,
      spec.tables.map((table) => table.source.schema),
      spec.tables.map((table) => table.source.table),
    ],
  );
  return true;
}

async function isComplete(client: pg.Client): Promise<boolean> {
  const { rows } = await client.query<{ present: number }>(
    `select pg_catalog.count(*)::int as present
       from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
      where n.nspname = '_bunny' and c.relname in ('shadow_table', 'foreign_key', 'built_table', 'sync_run', 'carried_object', 'enum_label', 'source_table', 'column_name')`,
  );
  return rows[0]?.present === CREATE_TABLES.length;
}

/** "bunny" in ASCII; the same as the applier's. */
const BOOKKEEPING_LOCK_KEY = 0x62756e6e79;

const CREATE_TABLES = [
  `create table if not exists _bunny.shadow_table (
     mirror_id text,
     destination_schema text,
     destination_table text,
     shadow_table text not null,
     created_at timestamptz not null default now(),
     -- Set by the transaction that put the shadow in the table's place: a swap that is asked for again is done already.
     swapped_at timestamptz,
     primary key (mirror_id, destination_schema, destination_table)
   )`,
  `create table if not exists _bunny.foreign_key (
     mirror_id text,
     -- The destination table that has the key, and the one that it points to.
     table_schema text,
     table_name text,
     constraint_name text,
     referenced_schema text not null,
     referenced_table text not null,
     definition text not null,
     recorded_at timestamptz not null default now(),
     attempts int not null default 0,
     next_try_at timestamptz not null default now(),
     primary key (mirror_id, table_schema, table_name, constraint_name)
   )`,
  // Tables that `build_structure` has given everything: from then on the poll looks after them.
  `create table if not exists _bunny.built_table (
     mirror_id text,
     source_schema text,
     source_table text,
     built_at timestamptz not null default now(),
     primary key (mirror_id, source_schema, source_table)
   )`,
  // What the last synchronisation was about to make: the command may be delivered again after a crash.
  `create table if not exists _bunny.sync_run (
     mirror_id text primary key,
     command_id text not null,
     changes json not null,
     begun_at timestamptz not null default now()
   )`,
  // What came from the source: should the source drop it, it is not the destination's own.
  `create table if not exists _bunny.carried_object (
     mirror_id text,
     -- The mirror's table, or the domain that has the check.
     source_schema text not null,
     source_table text not null,
     -- What has it at the destination: the table, a partition, the domain.
     destination_schema text,
     destination_table text,
     kind text,
     name text,
     -- Of its definition at the destination: one that is defined otherwise is somebody else's.
     fingerprint text not null,
     primary key (mirror_id, destination_schema, destination_table, kind, name)
   )`,
  `create table if not exists _bunny.enum_label (
     mirror_id text,
     type_schema text,
     type_name text,
     -- The label's OID at the source: it stays when the label is renamed.
     label_oid bigint,
     -- What the destination calls it.
     name text not null,
     -- Whether it was renamed, and where the source was at the latest by then; null: not known yet. Rows from before may come with the former name.
     is_renamed boolean not null default false,
     renamed_lsn pg_lsn,
     primary key (mirror_id, type_schema, type_name, label_oid)
   )`,
  // The applier's, too, in the same words: a column that is renamed before the first copy is known by what is noted when its table is made.
  `create table if not exists _bunny.column_name (
     mirror_id text,
     source_schema text,
     source_table text,
     attribute_number int not null,
     name text not null,
     former_names text[] not null default '{}',
     primary key (mirror_id, source_schema, source_table, attribute_number)
   )`,
  // Which table of the source each is, by its number, and whether rows of it were missed by the stream.
  `create table if not exists _bunny.source_table (
     mirror_id text,
     source_schema text,
     source_table text,
     oid bigint not null,
     is_recopy_due boolean not null default false,
     primary key (mirror_id, source_schema, source_table)
   )`,
] as const;
