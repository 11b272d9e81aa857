import { setTimeout as sleep } from 'node:timers/promises';
import type { MirrorSpec } from '@bunnydb/contracts';
import type { Log } from '@bunnydb/messaging';
import { sqlstateOf } from '@bunnydb/pg-client';
import { quoteIdentifier } from '@bunnydb/pg-model';
import type pg from 'pg';
import { createDdlTrigger, ddlTriggerNames } from '../core/ddl-trigger.js';

/**
 * Makes the event triggers that tell the mirror of DDL on its source, where the mirror wants them and the role may. Without them the mirror
 * polls, so whatever the server refuses is noted and nothing more.
 *
 * @returns whether DDL is told.
 */
export async function ensureDdlEvents(
  client: pg.Client,
  spec: MirrorSpec,
  log: Log,
): Promise<boolean> {
  if (!spec.options.ddl_event_trigger || spec.options.schema_changes === 'ignore') return false;
  try {
    await client.query('begin');
    await lockSchema(client);
    if ((await schemaOwner(client)) === undefined) await client.query(createSchema(spec));
    for (const sql of createDdlTrigger(spec.id)) await client.query(sql);
    await client.query('commit');
    return true;
  } catch (error) {
    // Without an SQLSTATE the connection is gone.
    const sqlstate = sqlstateOf(error);
    if (sqlstate === undefined) throw error;
    await client.query('rollback');
    log.info({ mirror: spec.id, sqlstate }, 'no event trigger on the source; structure is polled');
    return false;
  }
}

/** In a database that is the destination as well, the schema also holds bookkeeping, so it belongs to the role that writes there. */
function createSchema({ source, destination }: MirrorSpec): string {
  const isSame =
    source.host === destination.host &&
    source.port === destination.port &&
    source.database === destination.database;
  return isSame
    ? `create schema _bunny authorization ${quoteIdentifier(destination.user)}`
    : 'create schema _bunny';
}

/**
 * Removes what `ensureDdlEvents` made. The triggers go first and for themselves: a command that is under way may still call the function,
 * and would fail if that were gone.
 */
export async function removeDdlEvents(
  client: pg.Client,
  mirrorId: string,
  signal: AbortSignal,
): Promise<void> {
  const { triggers, functionName } = ddlTriggerNames(mirrorId);
  const { rows } = await client.query<{ name: string }>(
    'select evtname::text as name from pg_catalog.pg_event_trigger where evtname = any ($1)',
    [triggers.map(({ name }) => name)],
  );
  for (const { name } of rows) {
    await client.query(`drop event trigger if exists ${quoteIdentifier(name)}`);
  }
  if (rows.length > 0) await waitForCommands(client, signal);
  // Nothing is written where there is nothing to remove: the server may be read-only by now.
  if (!(await hasFunction(client, functionName))) return;
  await client.query('begin');
  try {
    await lockSchema(client);
    await client.query(`drop function if exists ${functionName}()`);
    await dropEmptySchema(client);
    await client.query('commit');
  } catch (error) {
    await client.query('rollback').catch(() => undefined);
    throw error;
  }
}

async function hasFunction(client: pg.Client, functionName: string): Promise<boolean> {
  const { rows } = await client.query<{ found: boolean }>(
    'select pg_catalog.to_regprocedure($1) is not null as found',
    [`${functionName}()`],
  );
  return rows[0]?.found === true;
}

/** Waits for the commands that started before now, for a while. */
async function waitForCommands(client: pg.Client, signal: AbortSignal): Promise<void> {
  const { rows } = await client.query<{ now: string }>('select clock_timestamp()::text as now');
  const deadline = Date.now() + COMMANDS_MS;
  while (!signal.aborted && Date.now() < deadline) {
    const { rowCount } = await client.query(
      `select from pg_catalog.pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()
         and backend_type = 'client backend' and state = 'active' and query_start < $1`,
      [rows[0]?.now],
    );
    if (rowCount === 0) return;
    await sleep(COMMANDS_POLL_MS);
  }
}

/**
 * The schema goes with its last function, if it is ours. If this database is a destination as well, the schema holds bookkeeping
 * and stays; and one that an administrator has made belongs to somebody else.
 */
async function dropEmptySchema(client: pg.Client): Promise<void> {
  if ((await schemaOwner(client)) !== 'self') return;
  await client.query('savepoint dropping');
  try {
    await client.query('drop schema _bunny restrict');
  } catch (error) {
    if (sqlstateOf(error) !== DEPENDENT_OBJECTS) throw error;
    await client.query('rollback to savepoint dropping');
  }
}

async function schemaOwner(client: pg.Client): Promise<'self' | 'other' | undefined> {
  const { rows } = await client.query<{ owner: 'self' | 'other' }>(
    `select case when pg_get_userbyid(nspowner) = current_user then 'self' else 'other' end as owner
     from pg_catalog.pg_namespace where nspname = '_bunny'`,
  );
  return rows[0]?.owner;
}

/** The lock that whoever makes or drops this schema takes, also at a destination. */
async function lockSchema(client: pg.Client): Promise<void> {
  await client.query(`select pg_catalog.pg_advisory_xact_lock(${SCHEMA_LOCK_KEY})`);
}

/** "bunny" in ASCII. */
const SCHEMA_LOCK_KEY = 0x62756e6e79;
const DEPENDENT_OBJECTS = '2BP01';
const COMMANDS_MS = 10_000;
const COMMANDS_POLL_MS = 100;
