import type { MirrorSpec } from '@bunnydb/contracts';
import { FailureKind } from '@bunnydb/failure';
import {
  type ConnectionSettings,
  connectClient,
  sqlstateOf,
  toMirrorError,
} from '@bunnydb/pg-client';
import { BOOKKEEPING_TABLES } from './bookkeeping.js';
import { SCHEMA_SERVICE_TABLES, dropShadows, endSwaps } from './end-swaps.js';
import { endOlderSessions } from './position-row.js';

/**
 * Removes the mirror's bookkeeping from the destination; with the last mirror's, the schema goes too. Its tables stay.
 *
 * @param force gives up on a server that cannot be reached.
 * @returns what was left behind, in words.
 */
export async function cleanDestination(
  settings: ConnectionSettings,
  spec: MirrorSpec,
  force: boolean,
): Promise<readonly string[]> {
  try {
    const client = await connectClient(settings, {
      role: 'destination',
      lockTimeoutMs: LOCK_TIMEOUT_MS,
    });
    try {
      // A session that was cut off may still hold the position's lock.
      await endOlderSessions(client, spec.id);
      const left = await endSwaps(client, spec.id);
      await removeRows(client, spec.id);
      return left;
    } finally {
      await client.end().catch(() => undefined);
    }
  } catch (error) {
    const failure = toMirrorError(error, { role: 'destination', step: 'remove the bookkeeping' });
    if (!force || !GIVES_UP_ON.has(failure.kind)) throw failure;
    return [
      `the rows of mirror ${spec.id} in schema _bunny of ${settings.database} (${failure.kind})`,
    ];
  }
}

type Client = Awaited<ReturnType<typeof connectClient>>;

async function removeRows(client: Client, mirrorId: string): Promise<void> {
  const { rows } = await client.query<{ name: string }>(
    `select c.relname::text as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where n.nspname = '_bunny' and c.relname = any ($1)`,
    [[...BOOKKEEPING_TABLES, ...SCHEMA_SERVICE_TABLES]],
  );
  if (rows.length === 0) return;
  await client.query('begin');
  // Nobody may add a mirror between the look and the drop. Whoever makes a shadow locks the position first, and so do we.
  const names = rows.map(({ name }) => name).sort((a, b) => rankOf(a) - rankOf(b));
  await client.query(
    `lock table ${names.map((name) => `_bunny.${name}`).join(', ')} in access exclusive mode`,
  );
  // One that was made since the swaps were ended.
  if (names.includes('shadow_table')) await dropShadows(client, mirrorId);
  let left = 0;
  for (const { name } of rows) {
    await client.query(`delete from _bunny.${name} where mirror_id = $1`, [mirrorId]);
    const { rows: rest } = await client.query(`select 1 from _bunny.${name} limit 1`);
    left += rest.length;
  }
  if (left === 0)
    await dropSchema(
      client,
      rows.map(({ name }) => name),
    );
  await client.query('commit');
}

const rankOf = (table: string): number => (table === 'position' ? 0 : 1);

/** The schema may hold other things, or be owned by someone else; then only our tables go, or nothing does. */
async function dropSchema(client: Client, tables: readonly string[]): Promise<void> {
  try {
    await client.query('savepoint dropping');
    await client.query(`drop table ${tables.map((name) => `_bunny.${name}`).join(', ')}`);
    await client.query('drop schema _bunny restrict');
  } catch (error) {
    // Without an SQLSTATE the connection is gone, and with it the savepoint.
    if (sqlstateOf(error) === undefined) throw error;
    await client.query('rollback to savepoint dropping');
  }
}

const GIVES_UP_ON: ReadonlySet<FailureKind> = new Set([
  FailureKind.DestinationUnreachable,
  FailureKind.ServerShuttingDown,
  FailureKind.AuthenticationFailed,
  FailureKind.TlsFailed,
  FailureKind.PrivilegeMissing,
  FailureKind.ReadOnly,
  FailureKind.SecretUnreadable,
]);
const LOCK_TIMEOUT_MS = 30_000;
