import type { MirrorSpec, SchemaShadowReply, SchemaShadowRequest } from '@bunnydb/contracts';
import { FailureKind, MirrorError } from '@bunnydb/failure';
import { type QualifiedName, formatQualifiedName, quoteQualifiedName } from '@bunnydb/pg-model';
import type pg from 'pg';
import { keyOf } from '../core/relation-facts.js';
import { createShadowStatements } from '../core/shadow-create.js';
import { shadowMark, shadowName } from '../core/shadow-name.js';
import { type ShadowedTable, refuseObstacles } from '../core/shadowed-table.js';
import type { CompareOptions } from './compare-structure.js';
import { withPeer } from './peer-session.js';
import { readCatalog } from './read-catalog.js';
import { readTableFacts } from './read-table-facts.js';
import { ensureSchemaBookkeeping } from './schema-bookkeeping.js';
import { withBuilder } from './structure-session.js';
import { swapShadows } from './swap-shadows.js';

export interface ShadowOptions extends CompareOptions {
  readonly action: SchemaShadowRequest['action'];
  /** Source names. */
  readonly tables: readonly QualifiedName[];
}

/**
 * Answers `bunny.schema.shadow`. A shadow table lies beside the destination table, is filled by the applier's lane while everybody reads the old one, and then
 * takes its place:
 *
 *     create    an empty table with the columns and the keys that changes are looked up by; one that is there is made anew
 *     swap      gives it all else that the table has, while nobody is kept waiting, then exchanges the two in one short transaction
 *     drop      removes it
 *
 * `_bunny.shadow_table` and a comment on the table tell a shadow from a user's table. Each action may be asked for again after any crash.
 *
 * @throws MirrorError `swap_refused` with the reasons when a table cannot be swapped; `lock_timeout` when the locks could not be had, or while
 * another session does the same.
 */
export async function serveShadow(options: ShadowOptions): Promise<SchemaShadowReply> {
  const tables = shadowedTables(options.spec, options.tables);
  const identities =
    options.action === 'create' ? await readIdentities(options, tables) : new Map<string, never>();
  await withBuilder(options, async (client) => {
    // A lane of a mirror that is being deleted may still ask.
    await ensureSchemaBookkeeping(client, { createsSchema: false });
    await lockShadows(client, options.spec);
    switch (options.action) {
      case 'create':
        for (const table of tables) {
          await createShadow(
            client,
            options.spec,
            table,
            identities.get(keyOf(table.source)) ?? [],
          );
        }
        break;
      case 'swap':
        await swapShadows(client, options, tables);
        break;
      case 'drop':
        for (const table of tables) await dropShadow(client, options.spec, table);
        break;
    }
  });
  return {
    ok: true,
    shadows: tables.map(({ source, shadow }) => ({ table: source, shadow })),
  };
}

async function createShadow(
  client: pg.Client,
  spec: MirrorSpec,
  { destination, shadow }: ShadowedTable,
  identities: readonly (readonly string[])[],
): Promise<void> {
  const table = await readTableFacts(client, destination);
  if (table === undefined) {
    throw new MirrorError(FailureKind.TableMissing, 'the destination table does not exist', {
      detail: { table: formatQualifiedName(destination) },
    });
  }
  refuseObstacles(table);
  await refuseForeign(client, spec, { destination, shadow });
  const mark = shadowMark(spec.id, destination);
  await inTransaction(client, async () => {
    await holdMirror(client, spec);
    await client.query(`drop table if exists ${quoteQualifiedName(shadow)}`);
    for (const statement of createShadowStatements(table, shadow, mark, identities)) {
      await client.query(statement);
    }
    await client.query(
      `insert into _bunny.shadow_table (mirror_id, destination_schema, destination_table, shadow_table) values ($1, $2, $3, $4)
       on conflict (mirror_id, destination_schema, destination_table)
       do update set shadow_table = excluded.shadow_table, created_at = pg_catalog.now(), swapped_at = null`,
      [spec.id, destination.schema, destination.table, shadow.table],
    );
  });
}

async function dropShadow(
  client: pg.Client,
  spec: MirrorSpec,
  { destination, shadow }: ShadowedTable,
): Promise<void> {
  await refuseForeign(client, spec, { destination, shadow });
  await inTransaction(client, async () => {
    await client.query(`drop table if exists ${quoteQualifiedName(shadow)}`);
    await client.query(
      `delete from _bunny.shadow_table where mirror_id = $1 and destination_schema = $2 and destination_table = $3`,
      [spec.id, destination.schema, destination.table],
    );
  });
}

/** A table of the shadow's name that is none of ours is never touched. */
async function refuseForeign(
  client: pg.Client,
  spec: MirrorSpec,
  { destination, shadow }: Pick<ShadowedTable, 'destination' | 'shadow'>,
): Promise<void> {
  const { rows } = await client.query<{ comment: string | null }>(
    `select pg_catalog.obj_description(c.oid, 'pg_class') as comment
       from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
      where n.nspname = $1 and c.relname = $2`,
    [shadow.schema, shadow.table],
  );
  const [found] = rows;
  if (found === undefined || found.comment === shadowMark(spec.id, destination)) return;
  throw new MirrorError(
    FailureKind.SchemaMismatch,
    'a table has the name of a shadow table and is none: rename it',
    { detail: { table: formatQualifiedName(shadow) } },
  );
}

/** By source name: the column lists by which the source may tell rows of a table apart. */
async function readIdentities(
  { spec, openSecret, signal }: ShadowOptions,
  tables: readonly ShadowedTable[],
): Promise<ReadonlyMap<string, readonly (readonly string[])[]>> {
  const catalog = await withPeer(
    { peer: spec.source, role: 'source', openSecret, signal },
    (client) =>
      readCatalog(
        client,
        tables.map((table) => table.source),
      ),
  );
  return new Map(
    catalog.tables.map((table) => {
      const keys = [table.primaryKey, table.identityIndex];
      return [keyOf(table.name), keys.flatMap((key) => (key === null ? [] : [key.columns]))];
    }),
  );
}

function shadowedTables(
  spec: MirrorSpec,
  sources: readonly QualifiedName[],
): readonly ShadowedTable[] {
  const mappings = new Map(spec.tables.map((mapping) => [keyOf(mapping.source), mapping]));
  return sources.map((source) => {
    const mapping = mappings.get(keyOf(source));
    if (mapping === undefined) {
      throw new MirrorError(FailureKind.InvalidInput, 'the mirror has no such table', {
        detail: { table: formatQualifiedName(source) },
      });
    }
    const { destination } = mapping;
    return { source, destination, shadow: shadowName(spec.id, destination) };
  });
}

/** One session at a time handles a mirror's shadows; who asks again meanwhile is told to come back. */
async function lockShadows(client: pg.Client, spec: MirrorSpec): Promise<void> {
  const { rows } = await client.query<{ locked: boolean }>(
    `select pg_catalog.pg_try_advisory_lock(${SHADOW_LOCK_CLASS}, pg_catalog.hashtext($1)) as locked`,
    [spec.id],
  );
  if (rows[0]?.locked === true) return;
  throw new MirrorError(
    FailureKind.LockTimeout,
    'another session handles the shadow tables of this mirror at the moment',
    { detail: { mirror: spec.name, at_work: true } },
  );
}

/**
 * Keeps the mirror's bookkeeping from being removed until the transaction ends: whoever removes it afterwards finds the shadow.
 *
 * @throws MirrorError `table_missing` when it is removed already.
 */
async function holdMirror(client: pg.Client, spec: MirrorSpec): Promise<void> {
  const { rows } = await client.query(
    'select from _bunny.position where mirror_id = $1 for key share',
    [spec.id],
  );
  if (rows.length > 0) return;
  throw new MirrorError(FailureKind.TableMissing, 'the destination does not know the mirror', {
    detail: { mirror: spec.name },
  });
}

async function inTransaction(client: pg.Client, work: () => Promise<void>): Promise<void> {
  await client.query('begin');
  try {
    await work();
    await client.query('commit');
  } catch (error) {
    await client.query('rollback');
    throw error;
  }
}

/** "shad" in ASCII. */
const SHADOW_LOCK_CLASS = 0x73686164;
