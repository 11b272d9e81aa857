import { type PostgresServer, startPostgres } from '@bunnydb/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { DatabasePair } from '../src/database-pair.js';
import { LEDGER_PAIRS, createLedgerPair } from '../src/ledger-run.js';
import { startLedgerWriters } from '../src/ledger.js';
import type { MirrorFixture } from '../src/mirror-fixture.js';
import { type Stack, startStack } from '../src/stack.js';
import { startWatch } from '../src/watch.js';

const SECONDS = Number(process.env['BUNNY_SOAK_SECONDS'] ?? 600);
const LOOK_EVERY_MS = 5_000;
/** A table that waits is told of, and the others are never this far behind. */
const LAG_MAX_SECONDS = 15;
/** The longest wait between two tries, and some. */
const REJOIN_MS = 720_000;

describe('a lock at the destination that somebody keeps', () => {
  let postgres: PostgresServer;
  let stack: Stack;
  let pair: DatabasePair;
  let mirror: MirrorFixture;

  beforeAll(async () => {
    postgres = await startPostgres({ version: 17 });
    stack = await startStack('long-lock', { postgresUrl: postgres.url });
    pair = await createLedgerPair(stack);
    mirror = await pair.createMirror({ all_tables: true });
    await mirror.waitForStatus('running');
  });
  afterAll(async () => {
    await stack?.stop();
    await postgres?.stop('immediate');
  });

  test(
    `for ${SECONDS} s holds its table and no other, which joins again by itself when the lock is gone`,
    async () => {
      const writers = await startLedgerWriters({
        connectionString: pair.sourceUrl,
        sessions: 2,
        transactionsPerSecond: 20,
      });
      let lagMax = 0;
      try {
        await pair.observer.query('begin; lock table wallet in access exclusive mode');
        await mirror.waitForTable('public.wallet', 'error');
        const watch = await startWatch(pair.sourceUrl, LOOK_EVERY_MS, async () => {
          lagMax = Math.max(lagMax, (await mirror.view()).lag_seconds ?? 0);
        });
        await pair.observer.query('select pg_sleep($1)', [SECONDS]);
        await watch.stop();
        await pair.observer.query('rollback');
        await mirror.waitForTable('public.wallet', 'running', REJOIN_MS);
      } finally {
        await pair.observer.query('rollback');
        const transactions = await writers.stop();
        process.stdout.write(
          `soak: a lock kept for ${SECONDS} s, ${transactions} transactions meanwhile, the others at most ${lagMax.toFixed(1)} s behind\n`,
        );
      }
      expect(lagMax).toBeLessThan(LAG_MAX_SECONDS);
      await mirror.waitForEqual(LEDGER_PAIRS);
    },
    (SECONDS + 1_200) * 1_000,
  );
});
