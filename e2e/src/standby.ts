import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type PostgresServer, startPostgres, temporaryFolder, until } from '@bunnydb/testkit';
import pg from 'pg';
import type { RestartableServer } from './restartable-server.js';

/** The name of the physical slot through which the standby reads. */
const STANDBY_SLOT = 'e2e_standby';

/** A standby of a running server that keeps copies of its failover slots (PostgreSQL 17). */
export async function startStandby(primary: RestartableServer): Promise<PostgresServer> {
  const folder = temporaryFolder('standby');
  chmodSync(folder, 0o711);
  const dataDir = join(folder, 'data');
  const session = new pg.Client({ connectionString: primary.url });
  await session.connect();
  try {
    await session.query(`select pg_create_physical_replication_slot('${STANDBY_SLOT}', true)`);
    await session.query(`select pg_backup_start('standby', true)`);
    execFileSync('cp', ['-a', primary.dataDir, dataDir]);
    const { rows } = await session.query<{ labelfile: string }>(
      'select labelfile from pg_backup_stop(false)',
    );
    // No consumer of a failover slot gets ahead of the standby; that is the primary's setting, and no part of the copy.
    await session.query(`alter system set synchronized_standby_slots = '${STANDBY_SLOT}'`);
    await session.query('select pg_reload_conf()');
    const own = statSync(dataDir);
    const write = (name: string, text: string): void => {
      writeFileSync(join(dataDir, name), text, { mode: 0o600 });
      chownSync(join(dataDir, name), own.uid, own.gid);
    };
    write('backup_label', rows[0]?.labelfile ?? '');
    write('standby.signal', '');
  } finally {
    await session.end();
  }
  rmSync(join(dataDir, 'postmaster.pid'), { force: true });
  for (const slot of readdirSync(join(dataDir, 'pg_replslot')))
    rmSync(join(dataDir, 'pg_replslot', slot), { recursive: true });
  return await startPostgres({
    dataDir,
    version: 17,
    settings: {
      primary_conninfo: `host=127.0.0.1 port=${primary.port} user=postgres dbname=postgres`,
      primary_slot_name: STANDBY_SLOT,
      hot_standby_feedback: 'on',
      sync_replication_slots: 'on',
      wal_receiver_status_interval: '1s',
      shared_buffers: '32MB',
      fsync: 'off',
      max_prepared_transactions: 10,
    },
  });
}

/** Waits until the standby has a copy of the slot that would survive a promotion. */
export async function waitForSyncedSlot(
  primary: pg.Client,
  standby: PostgresServer,
  slot: string,
): Promise<void> {
  await withSession(standby, async (session) => {
    let seen = 'none';
    await until(
      async () => {
        // The copy waits for the slot to move past where the standby began, which takes one of these; the server writes them seldom by itself.
        await primary.query('select pg_log_standby_snapshot()');
        const { rows } = await session.query<{ ready: boolean }>(
          `select synced and not temporary and invalidation_reason is null as ready
           from pg_replication_slots where slot_name = $1`,
          [slot],
        );
        seen = JSON.stringify(rows);
        return rows[0]?.ready === true;
      },
      {
        timeoutMs: 60_000,
        intervalMs: 500,
        what: () => `slot ${slot} to be synced; it is ${seen}`,
      },
    );
  });
}

/** Makes the standby a primary. */
export async function promote(standby: PostgresServer): Promise<void> {
  await withSession(standby, async (session) => {
    await session.query('select pg_promote()');
  });
}

async function withSession(
  server: PostgresServer,
  work: (session: pg.Client) => Promise<void>,
): Promise<void> {
  const session = new pg.Client({ connectionString: server.url });
  await session.connect();
  try {
    await work(session);
  } finally {
    await session.end();
  }
}
