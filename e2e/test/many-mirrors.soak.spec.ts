import { setTimeout as delay } from 'node:timers/promises';
import {
  type PostgresServer,
  cpuSeconds,
  rssBytes,
  samePair,
  startPostgres,
} from '@bunnydb/testkit';
import { afterAll, beforeAll, describe, test } from 'vitest';
import type { DatabasePair } from '../src/database-pair.js';
import type { MirrorFixture } from '../src/mirror-fixture.js';
import { STACK_SERVICES, type Stack, startStack } from '../src/stack.js';
import { type Watch, startWatch } from '../src/watch.js';

const MIRRORS = Number(process.env['BUNNY_SOAK_MIRRORS'] ?? 50);
const MEASURED_MS = 60_000;
const SETTLE_MS = 15_000;
const WRITE_EVERY_MS = 1_000;
const SET_UP_MS = 600_000;
/** NATS sets the room aside, and a disk has not fifty times four GiB. */
const STREAM = { stream_max_bytes: 64 * 1024 ** 2 };

const TABLES = `create table item (id integer primary key, n integer not null); insert into item select i, 0 from generate_series(1, 1000) i;
  create table note (id bigint generated always as identity primary key, body text)`;

interface Usage {
  readonly cpuShare: number;
  readonly rssMib: number;
}

describe('many mirrors', () => {
  let postgres: PostgresServer;
  let stack: Stack;

  beforeAll(async () => {
    postgres = await startPostgres({
      version: 17,
      settings: {
        ...{ max_connections: 1_000, max_replication_slots: 150, max_wal_senders: 150 },
        shared_buffers: '512MB',
      },
    });
    stack = await startStack('many_mirrors', {
      postgresUrl: postgres.url,
      environment: { BUNNY_LEASE_TTL_MS: '5000' },
    });
  }, SET_UP_MS);
  afterAll(async () => {
    await stack?.stop();
    await postgres?.stop('immediate');
  });

  /** What each service uses while nothing else happens. */
  async function measure(): Promise<ReadonlyMap<string, Usage>> {
    // What is measured is time that passes: first until what was begun before has ended.
    await delay(SETTLE_MS);
    const before = new Map(
      STACK_SERVICES.map((service) => [service, cpuSeconds(stack.process(service).pid)]),
    );
    const startedAt = performance.now();
    // As above.
    await delay(MEASURED_MS);
    const seconds = (performance.now() - startedAt) / 1_000;
    return new Map(
      STACK_SERVICES.map((service) => {
        const { pid } = stack.process(service);
        const cpuShare = (cpuSeconds(pid) - (before.get(service) ?? 0)) / seconds;
        return [service, { cpuShare, rssMib: rssBytes(pid) / 1024 ** 2 }];
      }),
    );
  }

  test('cost little while they rest, and little more under a light load', async () => {
    const none = await measure();
    const all: { pair: DatabasePair; mirror: MirrorFixture }[] = [];
    const startedAt = performance.now();
    for (let n = 0; n < MIRRORS; n += 1) {
      const pair = await stack.createPair({ source: TABLES });
      const mirror = await pair.createMirror({ all_tables: true, ...STREAM });
      all.push({ pair, mirror });
    }
    for (const { mirror } of all) await mirror.waitForStatus('running', SET_UP_MS);
    const setUpSeconds = (performance.now() - startedAt) / 1_000;
    const idle = await measure();
    const writers: Watch[] = [];
    for (const { pair } of all) {
      writers.push(
        await startWatch(pair.sourceUrl, WRITE_EVERY_MS, async (client) => {
          await client.query(
            `update item set n = n + 1 where id = 1 + floor(random() * 1000); insert into note (body) values ('x')`,
          );
        }),
      );
    }
    const busy = await measure();
    await Promise.all(writers.map((writer) => writer.stop()));
    for (const { mirror } of all) {
      await mirror.waitForEqual([samePair('public', 'item'), samePair('public', 'note')]);
    }
    const lines = STACK_SERVICES.map((service) => {
      const [before, rest, load] = [none, idle, busy].map((usage) => usage.get(service));
      if (!before || !rest || !load) return service;
      const perMirror = (usage: Usage): string =>
        `${((usage.rssMib - before.rssMib) / MIRRORS).toFixed(2)} MiB and ${(((usage.cpuShare - before.cpuShare) * 100) / MIRRORS).toFixed(3)} % of a core`;
      return `${service}: ${before.rssMib.toFixed(0)} MiB without mirrors; per mirror at rest ${perMirror(rest)}; with a transaction a second ${perMirror(load)}`;
    });
    process.stdout.write(
      `soak: ${MIRRORS} mirrors made and running after ${setUpSeconds.toFixed(0)} s, equal at the end\n${lines.join('\n')}\n`,
    );
  });
});
