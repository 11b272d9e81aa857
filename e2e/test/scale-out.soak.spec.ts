import { setTimeout as delay } from 'node:timers/promises';
import {
  type PostgresServer,
  type ServiceProcess,
  samePair,
  startPostgres,
} from '@bunnydb/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { DatabasePair } from '../src/database-pair.js';
import { createLedgerPair } from '../src/ledger-run.js';
import { type LedgerWriters, LEDGER_TABLES, startLedgerWriters } from '../src/ledger.js';
import type { MirrorFixture } from '../src/mirror-fixture.js';
import { PULSE_ROWS, PULSE_SCHEMA, Pulse } from '../src/pulse.js';
import { SeededRandom } from '../src/random.js';
import { type Stack, startStack } from '../src/stack.js';

const SECONDS = Number(process.env['BUNNY_SOAK_SECONDS'] ?? 300);
const SEED = Number(process.env['BUNNY_SOAK_SEED'] ?? 1);
const MIRRORS = 20;
const INSTANCES = 3;
const KILL_EVERY_MS = 8_000;
const SET_UP_MS = 300_000;
const CATCH_UP_MS = 300_000;
/** NATS sets the room aside, and a disk has not twenty times four GiB. */
const STREAM = { stream_max_bytes: 256 * 1024 ** 2 };
const PULSE = { beatMs: 250, sampleMs: 500 };

interface Followed {
  readonly pair: DatabasePair;
  readonly mirror: MirrorFixture;
  readonly writers: LedgerWriters;
  readonly pulse: Pulse;
}

describe('three captures and three applies', () => {
  let postgres: PostgresServer;
  let stack: Stack;
  const followed: Followed[] = [];

  beforeAll(async () => {
    postgres = await startPostgres({
      version: 17,
      settings: {
        ...{ max_connections: 600, max_replication_slots: 60, max_wal_senders: 60 },
        shared_buffers: '512MB',
      },
    });
    stack = await startStack('scale_soak', {
      postgresUrl: postgres.url,
      environment: { BUNNY_LEASE_TTL_MS: '5000' },
    });
  }, SET_UP_MS);
  afterAll(async () => {
    for (const { writers, pulse } of followed) {
      await writers.stop();
      await pulse.stop().catch(() => undefined);
    }
    await stack?.stop();
    await postgres?.stop('immediate');
  });

  test('carry twenty mirrors under load, whichever instance is killed', async () => {
    for (let n = 0; n < MIRRORS; n += 1) {
      const pair = await createLedgerPair(stack);
      await pair.source.query(PULSE_SCHEMA + PULSE_ROWS);
      await pair.destination.query(PULSE_SCHEMA);
      const mirror = await pair.createMirror({ all_tables: true, ...STREAM });
      await mirror.waitForStatus('running', SET_UP_MS);
      const writers = await startLedgerWriters({
        connectionString: pair.sourceUrl,
        sessions: 1,
        transactionsPerSecond: 5,
      });
      followed.push({ pair, mirror, writers, pulse: await Pulse.start(pair, PULSE) });
    }
    const instances: { service: 'capture' | 'apply'; process: ServiceProcess }[] = [];
    for (const service of ['capture', 'apply'] as const) {
      instances.push({ service, process: stack.process(service) });
      for (let n = 1; n < INSTANCES; n += 1) {
        instances.push({ service, process: stack.startExtra(service) });
      }
    }
    const random = new SeededRandom(SEED);
    const pick = <Item>(items: readonly Item[]): Item => {
      const item = items[random.below(items.length)];
      if (item === undefined) throw new Error('there is nothing to pick from');
      return item;
    };
    const endAt = performance.now() + SECONDS * 1_000;
    let kills = 0;
    while (performance.now() < endAt) {
      const victim = pick(instances);
      await victim.process.kill();
      kills += 1;
      // Now and then the one that decides, or the one that knows the structure, goes too.
      if (kills % 5 === 0) {
        const other = pick(['schema', 'control'] as const);
        await stack.kill(other);
        await stack.restart(other);
      }
      // Time for others to take over, and no more.
      await delay(KILL_EVERY_MS);
      victim.process = stack.startExtra(victim.service);
    }
    const stalls: number[] = [];
    for (const { mirror, writers, pulse } of followed) {
      await writers.stop();
      stalls.push(pulse.worstSince(0));
      await pulse.stop();
      const tables = [...LEDGER_TABLES, 'pulse'];
      await mirror.waitForEqual(
        tables.map((table) => samePair('public', table)),
        CATCH_UP_MS,
      );
    }
    const worst = Math.max(...stalls);
    const middle = stalls.toSorted((a, b) => a - b)[Math.floor(stalls.length / 2)] ?? 0;
    process.stdout.write(
      `soak: ${MIRRORS} mirrors, ${kills} kills in ${SECONDS} s (seed ${SEED}): all equal; furthest behind ${worst.toFixed(1)} s, half of the mirrors no more than ${middle.toFixed(1)} s\n`,
    );
    expect(kills).toBeGreaterThan(SECONDS / 30);
  });
});
