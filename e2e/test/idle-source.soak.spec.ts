import { setTimeout as pause } from 'node:timers/promises';
import {
  type PostgresServer,
  type TestDatabase,
  createDatabase,
  samePair,
  startPostgres,
} from '@bunnydb/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Stack, startStack } from '../src/stack.js';
import { startWatch } from '../src/watch.js';

const SECONDS = Number(process.env['BUNNY_SOAK_SECONDS'] ?? 3_600);
const LOOK_EVERY_MS = 5_000;
const WRITE_EVERY_MS = 50;
/** What a slot that follows may hold back: a moment of WAL, and what the source notes of running transactions now and then. */
const RETAINED_BYTES_MAX = 64 * 1024 ** 2;
const FAR_MORE_BYTES = 4;

describe('an idle source', () => {
  let postgres: PostgresServer;
  let stack: Stack;
  let busy: TestDatabase;

  beforeAll(async () => {
    postgres = await startPostgres({ version: 17 });
    busy = await createDatabase({ prefix: 'busy', serverUrl: postgres.url });
    stack = await startStack('idle-source', { postgresUrl: postgres.url });
  });
  afterAll(async () => {
    await stack?.stop();
    await postgres?.stop('immediate');
  });

  test(
    `beside a busy database holds nothing back for ${SECONDS} s, and is heard at once afterwards`,
    async () => {
      const pair = await stack.createPair({
        source: `create table rare (id integer primary key, v text); insert into rare values (1, 'a');`,
      });
      const mirror = await pair.createMirror({ all_tables: true });
      await mirror.waitForStatus('running');
      await busy.query('create table noise (id bigserial primary key, v text)');
      const { slot_name: slot } = await mirror.view();
      const [begin] = await busy.query<{ lsn: string }>('select pg_current_wal_lsn()::text as lsn');
      let retainedMax = 0;
      let looks = 0;
      const watch = await startWatch(pair.sourceUrl, LOOK_EVERY_MS, async (client) => {
        const { rows } = await client.query<{ retained: string }>(
          `select pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn)::text as retained
         from pg_replication_slots where slot_name = $1`,
          [slot],
        );
        retainedMax = Math.max(retainedMax, Number(rows[0]?.retained ?? Infinity));
        looks += 1;
      });
      const end = performance.now() + SECONDS * 1_000;
      while (performance.now() < end) {
        await busy.query(
          `insert into noise (v) select repeat('n', 100) from generate_series(1, 100)`,
        );
        await pause(WRITE_EVERY_MS);
      }
      await watch.stop();
      const [written] = await busy.query<{ bytes: string }>(
        `select pg_wal_lsn_diff(pg_current_wal_lsn(), '${begin?.lsn}')::text as bytes`,
      );
      process.stdout.write(
        `soak: ${SECONDS} s, ${mib(Number(written?.bytes))} MiB of WAL that concern nobody, at most ${mib(retainedMax)} MiB held back in ${looks} looks\n`,
      );
      expect(retainedMax).toBeLessThan(RETAINED_BYTES_MAX);
      // Else the bound would have been kept by any slot.
      if (SECONDS >= 3_600) {
        expect(Number(written?.bytes)).toBeGreaterThan(FAR_MORE_BYTES * RETAINED_BYTES_MAX);
      }
      expect(await mirror.view()).toMatchObject({ status: 'running', error_count: 0 });
      await pair.source.query(`insert into rare values (2, 'b')`);
      await mirror.waitForCatchUp();
      await mirror.waitForEqual([samePair('public', 'rare')]);
    },
    (SECONDS + 600) * 1_000,
  );
});

function mib(bytes: number): string {
  return (bytes / 1024 ** 2).toFixed(1);
}
