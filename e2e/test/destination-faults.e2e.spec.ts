import { chownSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { samePair } from '@bunnydb/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { DatabasePair } from '../src/database-pair.js';
import { LEDGER_PAIRS, createLedgerPair, runUnderLoad } from '../src/ledger-run.js';
import { startLedgerWriters } from '../src/ledger.js';
import type { MirrorFixture } from '../src/mirror-fixture.js';
import { RestartableServer } from '../src/restartable-server.js';
import { type Stack, startStack } from '../src/stack.js';

describe('faults of the destination server', () => {
  let stack: Stack;
  let server: RestartableServer;
  let pair: DatabasePair;
  let mirror: MirrorFixture;

  beforeAll(async () => {
    [stack, server] = await Promise.all([
      startStack('destination-faults'),
      RestartableServer.start(),
    ]);
    pair = await createLedgerPair(stack, { destinationServerUrl: server.url });
    const filled = 'create table filled (id integer primary key, v text);';
    await pair.source.query(filled);
    await pair.destination.query(filled);
    mirror = await pair.createMirror({ all_tables: true });
    await mirror.waitForStatus('running');
  });
  afterAll(async () => {
    await stack?.stop();
    await server?.remove();
  });

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

  test('one that is down is told with the time of the next try, and the mirror goes on by itself when it is back', async () => {
    await runUnderLoad(pair, mirror, async () => {
      await server.stop('fast');
      const { error_message, next_retry_at } = await mirror.waitForStatus('error');
      expect(error_message).toContain('destination');
      expect(next_retry_at).not.toBeNull();
      await server.start();
      await pair.reconnect();
      await mirror.waitForStatus('running');
    });
  });

  test('one that turned read-only is told as such, and the mirror goes on when it takes writes again', async () => {
    await runUnderLoad(pair, mirror, async () => {
      const setReadOnly = async (value: string): Promise<void> => {
        await pair.destination.query(`alter system set default_transaction_read_only = ${value}`);
        await pair.destination.query('select pg_reload_conf()');
      };
      await pair.destination.query('set default_transaction_read_only = off');
      await setReadOnly('on');
      const { error_message } = await mirror.waitForStatus('error');
      expect(error_message).toContain('read-only');
      await setReadOnly('off');
      await mirror.waitForStatus('running');
    });
  });

  test('a lock that somebody keeps on one table holds that table with the reason, the others go on, and it joins again when the lock is gone', async () => {
    const writers = await startLedgerWriters({
      connectionString: pair.sourceUrl,
      sessions: 2,
      transactionsPerSecond: 20,
    });
    try {
      await pair.observer.query('begin; lock table wallet in access exclusive mode');
      const { error_message, next_retry_at } = await mirror.waitForTable('public.wallet', 'error');
      expect(error_message).toContain('a lock was not granted');
      expect(error_message).toContain('public.wallet');
      expect(next_retry_at).not.toBeNull();
      await mirror.waitForCatchUp();
      await pair.observer.query('rollback');
      const answer = await stack.api.call('POST', `/v1/mirrors/${mirror.name}/retry`, {
        table: 'public.wallet',
      });
      expect([200, 409]).toContain(answer.status);
      await mirror.waitForTable('public.wallet', 'running');
    } finally {
      await pair.observer.query('rollback');
      await writers.stop();
    }
    await mirror.waitForEqual(LEDGER_PAIRS);
  });

  test('a full disk is told as such, loses nothing, and the mirror goes on when there is room', async () => {
    const { rows } = await pair.destination.query<{ file: string }>(
      `select pg_relation_filepath('filled') as file`,
    );
    const file = join(server.dataDir, rows[0]?.file ?? '');
    // Every write to this device says that there is no room.
    const { uid, gid } = statSync(file);
    rmSync(file);
    symlinkSync('/dev/full', file);
    await pair.endSessionsAtDestination();
    await pair.source.query(`insert into filled select i, 'v' from generate_series(1, 100) i`);
    await pair.until(
      async () => (await mirror.view()).error_message?.includes('the disk is full') === true,
      'the mirror to tell of the full disk',
    );
    rmSync(file);
    writeFileSync(file, '', { mode: 0o600 });
    chownSync(file, uid, gid);
    await pair.endSessionsAtDestination();
    await pair.reconnect();
    await mirror.waitForStatus('running');
    await mirror.waitForEqual([...LEDGER_PAIRS, samePair('public', 'filled')]);
  });
});
