import { setTimeout as delay } from 'node:timers/promises';
import { type NatsServer, type PostgresServer, startNats, startPostgres } from '@bunnydb/testkit';
import { afterAll, beforeAll, describe, test } from 'vitest';
import type { DatabasePair } from '../src/database-pair.js';
import { createLedgerPair, runUnderLoad } from '../src/ledger-run.js';
import type { MirrorFixture } from '../src/mirror-fixture.js';
import { STACK_SERVICES, type Stack, startStack } from '../src/stack.js';
import { TcpProxy } from '../src/tcp-proxy.js';

/** Longer than it takes NATS's client to find that nobody answers. */
const PARTED_MS = Number(process.env['BUNNY_SOAK_PARTED_MS'] ?? 35_000);
const SLOW_MS = 8_000;
const SLOWNESS = { delayMs: 40, loseOneOf: 50, resendAfterMs: 400 };
const FLAPS = 15;
const FLAP_MS = 500;

const LINKS = [
  ...STACK_SERVICES.map((service) => `${service} and nats` as const),
  'control and catalog',
  'all and source',
  'all and destination',
] as const;

describe('the network between', () => {
  let postgres: PostgresServer;
  let nats: NatsServer;
  let stack: Stack;
  let pair: DatabasePair;
  let mirror: MirrorFixture;
  const proxies = new Map<string, TcpProxy>();

  beforeAll(async () => {
    postgres = await startPostgres({ version: 17 });
    nats = await startNats();
    const { port, hostname } = new URL(postgres.url);
    const catalog = await TcpProxy.start(hostname, Number(port));
    proxies.set('control and catalog', catalog);
    for (const service of STACK_SERVICES) {
      proxies.set(`${service} and nats`, await TcpProxy.start('127.0.0.1', nats.port));
    }
    stack = await startStack('network', {
      postgresUrl: postgres.url,
      natsUrl: nats.url,
      environmentOf: (service) => ({
        NATS_URL: `nats://127.0.0.1:${proxies.get(`${service} and nats`)?.port}`,
        ...(service === 'control' ? { BUNNY_CATALOG_PORT: String(catalog.port) } : {}),
      }),
    });
    pair = await createLedgerPair(stack, { proxies: true });
    proxies.set('all and source', pair.proxies.source);
    proxies.set('all and destination', pair.proxies.destination);
    mirror = await pair.createMirror({ all_tables: true });
    await mirror.waitForStatus('running');
  });
  afterAll(async () => {
    await stack?.stop();
    await Promise.all([...proxies.values()].map((proxy) => proxy.stop()));
    await nats?.stop();
    await postgres?.stop('immediate');
  });

  /** Does something to a network while the ledger is written to; says how long it took to catch up afterwards. */
  async function disturb(what: string, link: string, fault: (proxy: TcpProxy) => Promise<void>) {
    const proxy = proxies.get(link);
    if (proxy === undefined) throw new Error(`there is no network between ${link}`);
    await runUnderLoad(pair, mirror, async () => {
      await fault(proxy);
      proxy.heal();
      const healedAt = performance.now();
      await mirror.waitForCatchUp();
      const seconds = (performance.now() - healedAt) / 1_000;
      process.stdout.write(`soak: ${link}, ${what}: caught up ${seconds.toFixed(1)} s after\n`);
    });
  }

  describe.each(LINKS)('%s', (link) => {
    test('may be parted in silence', async () => {
      await disturb(`parted for ${PARTED_MS / 1_000} s`, link, async (proxy) => {
        proxy.part();
        // As long as the network is away.
        await delay(PARTED_MS);
      });
    });

    test('may be slow and lose what it carries', async () => {
      await disturb('slow and lossy', link, async (proxy) => {
        proxy.slowDown(SLOWNESS);
        // As long as the network is slow.
        await delay(SLOW_MS);
      });
    });

    test('may break again and again', async () => {
      await disturb('flapping', link, async (proxy) => {
        for (let flap = 0; flap < FLAPS; flap += 1) {
          proxy.cut();
          // As long as a connection lives.
          await delay(FLAP_MS);
        }
      });
    });
  });
});
