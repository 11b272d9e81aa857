import { type PostgresServer, samePair } from '@bunnydb/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { DatabasePair } from '../src/database-pair.js';
import { LEDGER_PAIRS, createLedgerPair, runUnderLoad } from '../src/ledger-run.js';
import { startLedgerWriters } from '../src/ledger.js';
import type { MirrorFixture } from '../src/mirror-fixture.js';
import { RestartableServer } from '../src/restartable-server.js';
import { type Stack, startStack } from '../src/stack.js';
import { promote, startStandby, waitForSyncedSlot } from '../src/standby.js';

/** A source that stops must not wait for a mirror that cannot go on. */
const STOP_MS = 20_000;
const PREPARED = `create table prepared (id integer primary key, v text);`;
const PAIRS = [...LEDGER_PAIRS, samePair('public', 'prepared')];

describe('faults of the source server', () => {
  let stack: Stack;
  let server: RestartableServer;
  let standby: PostgresServer | undefined;
  let pair: DatabasePair;
  let mirror: MirrorFixture;

  beforeAll(async () => {
    [stack, server] = await Promise.all([startStack('source-faults'), RestartableServer.start()]);
    pair = await createLedgerPair(stack, { sourceServerUrl: server.url });
    await pair.source.query(PREPARED);
    await pair.destination.query(PREPARED);
    mirror = await pair.createMirror({ all_tables: true });
    await mirror.waitForStatus('running');
  });
  afterAll(async () => {
    await stack?.stop();
    await standby?.stop('immediate');
    await server?.remove();
  });

  /** Changes settings of both databases, which new sessions begin with. */
  async function setTimeouts(change: (name: string) => string): Promise<void> {
    for (const session of [pair.source, pair.destination]) {
      const { rows } = await session.query<{ name: string }>(
        'select quote_ident(current_database()) as name',
      );
      for (const name of TIMEOUTS)
        await session.query(`alter database ${rows[0]?.name ?? ''} ${change(name)}`);
    }
  }

  test.each(['fast', 'crash'] as const)(
    'a restart (%s) under load loses nothing and applies nothing twice',
    async (mode) => {
      await runUnderLoad(pair, mirror, async () => {
        for (let round = 0; round < 2; round += 1) {
          await server.restart(mode);
          await pair.reconnect();
          await mirror.waitForCatchUp();
        }
      });
    },
  );

  test('a shutdown while the destination is locked does not hang, and nothing is lost', async () => {
    const writers = await startLedgerWriters({
      connectionString: pair.sourceUrl,
      sessions: 4,
      transactionsPerSecond: 40,
    });
    try {
      const before = await pair.source.query('select pg_current_wal_lsn()');
      await pair.observer.query('begin; lock table account, wallet in access exclusive mode');
      await pair.until(
        async () => {
          const { rows } = await pair.destination.query(
            `select 1 from pg_locks where not granted and relation = 'account'::regclass`,
          );
          return rows.length > 0;
        },
        `the applier to be blocked, from ${JSON.stringify(before.rows)}`,
      );
      const startedAt = performance.now();
      await server.stop('fast');
      expect(performance.now() - startedAt).toBeLessThan(STOP_MS);
      await server.start();
      await pair.observer.query('rollback');
      await pair.reconnect();
      await mirror.waitForStatus('running');
    } finally {
      await writers.stop();
    }
    // It may have been held meanwhile: then it comes back by itself.
    await mirror.waitForTable('public.account', 'running');
    await mirror.waitForTable('public.wallet', 'running');
    await mirror.waitForEqual(PAIRS);
  });

  test('what is prepared arrives when it is committed, not before, and never when it is rolled back, across restarts of source, capture and applier', async () => {
    await pair.source.query(`begin;
      insert into prepared select i, 'kept' from generate_series(1, 20) i; prepare transaction 'kept'`);
    await pair.source.query(`begin;
      insert into prepared select i, 'large' from generate_series(100, 40000) i; savepoint s;
      insert into prepared values (50000, 'undone'); rollback to s; prepare transaction 'large'`);
    await pair.source.query(`begin;
      insert into prepared values (30, 'gone'); prepare transaction 'gone'`);
    await pair.source.query(`insert into prepared values (-1, 'beside')`);
    await mirror.waitForCatchUp();
    const seen = async (): Promise<unknown[]> =>
      (await pair.destination.query('select id from prepared order by id')).rows;
    expect(await seen()).toEqual([{ id: -1 }]);
    await server.restart('crash');
    await pair.reconnect();
    await Promise.all([stack.kill('capture'), stack.kill('apply')]);
    await Promise.all([stack.restart('capture'), stack.restart('apply')]);
    await pair.source.query(`rollback prepared 'gone'`);
    await mirror.waitForCatchUp();
    expect(await seen()).toEqual([{ id: -1 }]);
    await pair.source.query(`commit prepared 'large'`);
    await stack.kill('apply');
    await pair.source.query(`commit prepared 'kept'`);
    await stack.restart('apply');
    await mirror.waitForEqual(PAIRS);
    const { rows } = await pair.destination.query('select count(*)::int as n from prepared');
    expect(rows).toEqual([{ n: 1 + 20 + 39_901 }]);
  });

  test('short timeouts of source and destination end nothing: neither a copy nor the stream', async () => {
    await pair.source.query(`create table lengthy (id integer primary key, v text);
      insert into lengthy select i, repeat('l', 400) from generate_series(1, 120000) i`);
    await setTimeouts((name) => `set ${name} = '300ms'`);
    await pair.source.query(`alter system set wal_sender_timeout = '2s'`);
    await pair.source.query('select pg_reload_conf()');
    // The services' sessions shall begin under them.
    for (const service of ['capture', 'apply', 'schema'] as const) {
      await stack.kill(service);
      await stack.restart(service);
    }
    await runUnderLoad(pair, mirror, async () => {
      await mirror.waitForTable('public.lengthy', 'running');
      const { error_count: before } = await mirror.view();
      // Longer than the walsender's patience.
      await new Promise((resolve) => setTimeout(resolve, 3_000));
      expect((await mirror.view()).error_count).toBe(before);
    });
    await setTimeouts((name) => `reset ${name}`);
    await mirror.waitForEqual([...PAIRS, samePair('public', 'lengthy')]);
  });

  test('a standby that has a copy of the slot takes over where the primary crashed', async () => {
    const { slot_name: slot } = await mirror.view();
    await runUnderLoad(pair, mirror, async () => {
      standby = await startStandby(server);
      await waitForSyncedSlot(pair.source, standby, slot);
      await server.stop('crash');
      await promote(standby);
      await standby.stop('fast');
      server.replaceBy(standby.dataDir);
      await server.start();
      await pair.reconnect();
      await mirror.waitForCatchUp();
    });
    const { rows } = await pair.source.query(
      'select failover, synced from pg_replication_slots where slot_name = $1',
      [slot],
    );
    expect(rows).toEqual([{ failover: true, synced: true }]);
  });
});

const TIMEOUTS = ['statement_timeout', 'idle_in_transaction_session_timeout'];
