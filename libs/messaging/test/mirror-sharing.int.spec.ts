import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { heartbeatSubject, type Heartbeat } from '@bunnydb/contracts';
import { startNats, until, type NatsServer } from '@bunnydb/testkit';
import { connectMessaging, ensureControlStreams, putSpec, type Messaging } from '../src/index.js';
import { mirrorSpec } from './mirror-spec-builder.js';
import { startSessionWorker, type SessionWorker } from './session-worker.js';

const LEASE_TTL_MS = 1_000;
/** So long that nobody waits for it to run out. */
const LONG_LEASE_TTL_MS = 60_000;

let server: NatsServer;
let control: Messaging;
const cleanups: (() => Promise<void>)[] = [];

beforeAll(async () => {
  server = await startNats();
});
afterAll(() => server.stop());
beforeEach(async () => {
  control = await connect();
  for await (const { config } of control.jsm.streams.list()) {
    await control.jsm.streams.delete(config.name);
  }
  await ensureControlStreams(control);
});
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function connect(leaseTtlMs: number = LEASE_TTL_MS): Promise<Messaging> {
  const messaging = await connectMessaging({ url: server.url, name: 'test', leaseTtlMs });
  cleanups.push(() => messaging.close());
  return messaging;
}

async function startWorker(instance: string, leaseTtlMs?: number): Promise<SessionWorker> {
  const worker = startSessionWorker(await connect(leaseTtlMs), instance);
  cleanups.push(worker.stop);
  return worker;
}

describe('mirrors', () => {
  it('go to an instance that comes until it has its share, and then stay', async () => {
    const one = await startWorker('one');
    for (const id of ['a', 'b', 'c', 'd', 'e', 'f']) {
      await putSpec(control, mirrorSpec({ id }));
    }
    await until(() => one.live().length === 6);
    const [busy] = one.live();
    let endWork: () => void = () => undefined;
    void busy?.context.stayFor(new Promise<void>((resolve) => (endWork = resolve)));
    const two = await startWorker('two');
    const three = await startWorker('three');
    const counts = (): number[] => [one, two, three].map((worker) => worker.live().length);
    const isShared = (loads: readonly number[]) => (): boolean => {
      // As real sessions do, they say that they work.
      for (const worker of [one, two, three])
        worker.live().forEach(({ context }) => context.markHealthy());
      return String(counts().toSorted()) === String(loads);
    };
    await until(isShared([2, 2, 2]), {
      timeoutMs: 20_000,
      what: () => `two mirrors each, not ${counts().join(', ')}`,
    });
    // What would have to be done anew stayed where it was, and hardly a mirror moved that had no need to.
    expect(busy?.ended).toBe(false);
    expect(one.opened.length + two.opened.length + three.opened.length).toBeLessThan(13);
    endWork();
    await two.stop();
    await until(isShared([0, 3, 3]), {
      timeoutMs: 20_000,
      what: () => `three mirrors each for those left, not ${counts().join(', ')}`,
    });
  });

  it('go back to who had them when nobody else takes them', async () => {
    const one = await startWorker('one');
    for (const id of ['a', 'b']) await putSpec(control, mirrorSpec({ id }));
    await until(() => one.live().length === 2);
    one.live().forEach((session) => session.context.markHealthy());
    const idle: Heartbeat = {
      ...{ v: 1, service: 'capture', instance: 'ghost', version: '1', mirrors: [], rss_bytes: 0 },
      at: new Date().toISOString(),
    };
    control.publishJson(heartbeatSubject('capture', 'ghost'), idle);
    await until(() => one.live().length === 1);
    await until(() => one.live().length === 2, { timeoutMs: 5_000 });
    one.live().forEach((session) => session.context.markHealthy());
    control.publishJson(heartbeatSubject('capture', 'ghost'), idle);
    await control.nc.flush();
    expect(one.opened).toHaveLength(3);
  });

  it('are taken over at once from an instance that ends in order, however long a lease is', async () => {
    const one = await startWorker('one', LONG_LEASE_TTL_MS);
    for (const id of ['a', 'b', 'c']) await putSpec(control, mirrorSpec({ id }));
    await until(() => one.live().length === 3);
    const two = await startWorker('two', LONG_LEASE_TTL_MS);
    await until(() => {
      one.live().forEach(({ context }) => context.markHealthy());
      return two.live().length === 1;
    });
    await one.stop();
    await until(() => two.live().length === 3, { timeoutMs: 5_000 });
  });
});
