import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import {
  type PostgresServer,
  THROW_AWAY_SETTINGS,
  type TestDatabase,
  startPostgres,
  until,
} from '@bunnydb/testkit';
import type pg from 'pg';
import type { MirrorView } from './api-client.js';

const SETTINGS = { ...THROW_AWAY_SETTINGS, shared_buffers: '32MB', autovacuum: 'off' };
const run = promisify(execFile);

/** A source server that a test may spoil. */
export const startSource = (): Promise<PostgresServer> => startPostgres({ settings: SETTINGS });

/** Drops a mirror's slot as somebody would who wants his disk back. */
export async function dropSlotByHand(session: pg.Client, slot: string): Promise<void> {
  await until(
    async () => {
      await session.query(
        'select pg_terminate_backend(active_pid) from pg_replication_slots where slot_name = $1 and active',
        [slot],
      );
      try {
        await session.query('select pg_drop_replication_slot($1)', [slot]);
        return true;
      } catch {
        // Its reader was faster.
        return false;
      }
    },
    { what: `slot ${slot} to be dropped`, intervalMs: 10 },
  );
}

/** Has the server discard the WAL that a slot needs; nobody may read it meanwhile. */
export async function invalidateSlot(session: pg.Client, slot: string): Promise<void> {
  await session.query(`alter system set max_slot_wal_keep_size = '1MB'`);
  await session.query('select pg_reload_conf()');
  await until(
    async () => {
      await session.query(`select pg_logical_emit_message(false, 'fill', repeat('x', 100000))`);
      await session.query('select pg_switch_wal()');
      await session.query('checkpoint');
      const { rows } = await session.query<{ wal_status: string }>(
        'select wal_status from pg_replication_slots where slot_name = $1',
        [slot],
      );
      return rows[0]?.wal_status === 'lost';
    },
    { what: `the WAL of slot ${slot} to be gone`, intervalMs: 20 },
  );
  await session.query('alter system reset max_slot_wal_keep_size');
  await session.query('select pg_reload_conf()');
}

/** A server with its copy of a moment, as a backup of its disk would be: both run afterwards, the original where it was. */
export async function copyServer(
  server: PostgresServer,
): Promise<{ readonly original: PostgresServer; readonly copy: PostgresServer }> {
  const { dataDir, port } = server;
  await server.kill();
  const copyDir = `${dataDir}-backup`;
  await run('cp', ['-a', dataDir, copyDir]);
  const [original, copy] = await Promise.all([
    startPostgres({ dataDir, port, settings: SETTINGS }),
    startPostgres({ dataDir: copyDir, settings: SETTINGS }),
  ]);
  return { original, copy };
}

/** A database of the same name on another server. */
export async function sameDatabaseOn(
  server: PostgresServer,
  database: Pick<TestDatabase, 'name'>,
  open: (url: string) => Promise<pg.Client>,
  sql: string,
): Promise<string> {
  const admin = await open(server.url);
  await admin.query(`create database "${database.name}"`);
  await admin.end();
  const url = server.urlOf(database.name);
  const session = await open(url);
  await session.query(sql);
  await session.end();
  return url;
}

/** Waits until a mirror has stopped for a person, and tells what it says. */
export async function waitForStop(
  view: () => Promise<MirrorView>,
  words: string,
): Promise<MirrorView> {
  let last: MirrorView | undefined;
  await until(
    async () => {
      last = await view();
      // Before the loss is seen there may be a try or two.
      return last.status === 'error' && last.next_retry_at === null;
    },
    {
      timeoutMs: 90_000,
      intervalMs: 100,
      what: () => `the mirror to stop; it is ${last?.status ?? ''} ${last?.error_message ?? ''}`,
    },
  );
  if (last?.error_message?.includes(words) !== true)
    throw new Error(`the mirror says "${last?.error_message ?? ''}", not "${words}"`);
  return last;
}
