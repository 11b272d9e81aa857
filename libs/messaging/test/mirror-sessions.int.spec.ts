import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  EVENT_STREAM,
  LEASE_BUCKET,
  MESSAGE_VERSION,
  SPEC_BUCKET,
  heartbeatSubject,
  retrySubject,
  type AnyWorkerEvent,
  type Heartbeat,
} from '@bunnydb/contracts';
import { MirrorError } from '@bunnydb/failure';
import {
  freePort,
  removeTemporaryFolder,
  startNats,
  until,
  type NatsServer,
} from '@bunnydb/testkit';
import {
  LeaseBook,
  connectMessaging,
  deleteSpec,
  ensureControlStreams,
  getSpec,
  putSpec,
  runCommandLoop,
  runMirrorSessions,
  type Messaging,
} from '../src/index.js';
import { mirrorSpec } from './mirror-spec-builder.js';
import { startSessionWorker, type OpenedSession, type SessionWorker } from './session-worker.js';

const LEASE_TTL_MS = 1_000;

let server: NatsServer;
let control: Messaging;
const leftFolders: string[] = [];
const cleanups: (() => Promise<void>)[] = [];

beforeAll(async () => {
  server = await startNats({ port: await freePort() });
});
afterAll(async () => {
  await server.stop();
  leftFolders.forEach(removeTemporaryFolder);
});
beforeEach(async () => {
  control = await connect();
  for (const name of [EVENT_STREAM, `KV_${SPEC_BUCKET}`, `KV_${LEASE_BUCKET}`]) {
    await control.jsm.streams.delete(name).catch(() => false);
  }
  await ensureControlStreams(control);
});
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) {
    await cleanup();
  }
});

async function connect(leaseTtlMs: number = LEASE_TTL_MS): Promise<Messaging> {
  const messaging = await connectMessaging({
    url: server.url,
    name: 'test',
    leaseTtlMs,
  });
  cleanups.push(() => messaging.close());
  return messaging;
}

/** An instance of capture, until the test ends. */
async function startWorker(instance: string, leaseTtlMs?: number): Promise<SessionWorker> {
  const worker = startSessionWorker(await connect(leaseTtlMs), instance);
  cleanups.push(worker.stop);
  return worker;
}

async function eventsOf(mirrorId: string): Promise<readonly AnyWorkerEvent[]> {
  const { messages } = (await control.jsm.streams.info(EVENT_STREAM)).state;
  const events: AnyWorkerEvent[] = [];
  for (let seq = 1; seq <= messages; seq += 1) {
    const message = await control.jsm.streams.getMessage(EVENT_STREAM, { seq });
    const event = message?.json<AnyWorkerEvent>();
    if (event?.mirror_id === mirrorId) {
      events.push(event);
    }
  }
  return events;
}

const outOfReach = (): MirrorError => new MirrorError('source_unreachable', 'out of reach');

describe('specs', () => {
  it('are read as they were written, and are gone after they were removed', async () => {
    await putSpec(control, mirrorSpec({ generation: 4 }));
    expect(await getSpec(control, 'm1')).toEqual(mirrorSpec({ generation: 4 }));
    await deleteSpec(control, 'm1');
    expect(await getSpec(control, 'm1')).toBeUndefined();
    expect(await getSpec(control, 'never')).toBeUndefined();
  });

  it('that a newer version wrote is not read: its session ends, and whoever can read it takes over', async () => {
    const worker = await startWorker('old');
    await putSpec(control, mirrorSpec());
    await until(() => worker.live().length === 1);
    const bucket = await control.bucket(SPEC_BUCKET);
    const newer = { ...mirrorSpec({ generation: 9 }), v: MESSAGE_VERSION + 1 };
    await bucket.put(newer.id, JSON.stringify(newer));
    await until(() => worker.live().length === 0);
    const leases = await control.bucket(LEASE_BUCKET);
    await until(async () => (await leases.get('capture.m1'))?.operation !== 'PUT');
    expect(worker.opened).toHaveLength(1);
  });

  it('can be written after the bucket was lost', async () => {
    await control.jsm.streams.delete(`KV_${SPEC_BUCKET}`);
    await putSpec(control, mirrorSpec());
    expect(await getSpec(control, 'm1')).toEqual(mirrorSpec());
  });
});

describe('leases', () => {
  it('have one holder, move on when they are released, and when they expire', async () => {
    const one = new LeaseBook(control, 'capture', 'one');
    const two = new LeaseBook(await connect(), 'capture', 'two');
    const [first, refused] = await Promise.all([one.claim('m1'), two.claim('m1')]);
    const winner = first ?? refused;
    expect([first, refused].filter((lease) => lease === undefined)).toHaveLength(1);
    if (winner === undefined) {
      throw new Error('nobody got the lease');
    }
    const [holder, other] = first === undefined ? [two, one] : [one, two];
    const renewed = await holder.renew(winner);
    expect(renewed?.revision).toBeGreaterThan(winner.revision);
    expect(await other.claim('m1')).toBeUndefined();
    await holder.release(renewed ?? winner);
    const second = await other.claim('m1');
    expect(second).toBeDefined();
    // Not renewed any more: the bucket lets it go.
    await until(async () => (await holder.claim('m1')) !== undefined, { timeoutMs: 5_000 });
    expect(second === undefined ? 'none' : await other.renew(second)).toBeUndefined();
  });

  it('of capture and apply on the same mirror do not touch each other', async () => {
    const capture = new LeaseBook(control, 'capture', 'one');
    const apply = new LeaseBook(control, 'apply', 'one');
    expect(await capture.claim('m1')).toBeDefined();
    expect(await apply.claim('m1')).toBeDefined();
  });
});

describe('mirror sessions', () => {
  it('start, restart and stop as the spec says', async () => {
    const worker = await startWorker('one');
    await putSpec(control, mirrorSpec({ desired: 'hold', generation: 1 }));
    await putSpec(control, mirrorSpec({ generation: 2 }));
    await until(() => worker.live().length === 1);
    await putSpec(control, mirrorSpec({ generation: 3 }));
    await putSpec(control, mirrorSpec({ generation: 4, slot_name: 'other' }));
    await until(() => worker.live()[0]?.spec.slot_name === 'other');
    expect(worker.opened.map((session) => session.spec.generation)).toEqual([2, 4]);
    await putSpec(control, mirrorSpec({ generation: 5, desired: 'hold', slot_name: 'other' }));
    await until(() => worker.live().length === 0);
    await putSpec(control, mirrorSpec({ generation: 6, slot_name: 'other' }));
    await until(() => worker.live().length === 1);
    await deleteSpec(control, 'm1');
    await until(() => worker.live().length === 0);
    expect(worker.opened).toHaveLength(3);
  });

  it('find the specs that were there before they started', async () => {
    await putSpec(control, mirrorSpec({ id: 'a' }));
    await putSpec(control, mirrorSpec({ id: 'b' }));
    const worker = await startWorker('one');
    await until(() => worker.live().length === 2);
  });

  it('report a failure, try again after the back-off, and report the recovery', async () => {
    const worker = await startWorker('one');
    await putSpec(control, mirrorSpec());
    await until(() => worker.live().length === 1);
    worker.opened[0]?.context.markHealthy();
    worker.opened[0]?.fail(outOfReach());
    await until(() => worker.opened.length === 2);
    worker.opened[1]?.context.markHealthy();
    await worker.opened[1]?.context.emit('copy_finished', { tables: 1, rows: 2, seconds: 3 });
    const events = await eventsOf('m1');
    expect(events.map((event) => event.type)).toEqual([
      'session_started',
      'session_recovered',
      'session_failed',
      'session_started',
      'session_recovered',
      'copy_finished',
    ]);
    expect(events[2]).toMatchObject({
      service: 'capture',
      instance: 'one',
      body: { failure: { kind: 'source_unreachable' }, attempt: 1 },
    });
  });

  it('wait for a person when the failure needs one, and go on at a retry', async () => {
    const worker = await startWorker('one');
    await putSpec(control, mirrorSpec());
    await until(() => worker.live().length === 1);
    worker.opened[0]?.fail(new MirrorError('slot_missing', 'the slot is gone'));
    await until(async () =>
      (await eventsOf('m1')).some((event) => event.type === 'session_failed'),
    );
    const failed = (await eventsOf('m1')).find((event) => event.type === 'session_failed');
    expect(failed?.body).toMatchObject({ next_retry_at: null });
    control.publishJson(retrySubject('m1'), {});
    await until(() => worker.opened.length === 2);
  });

  it('never run twice for one mirror, and move to another instance when theirs stops', async () => {
    const one = await startWorker('one');
    const two = await startWorker('two');
    const liveAll = (): readonly OpenedSession[] => [...one.live(), ...two.live()];
    for (const id of ['a', 'b', 'c', 'd']) {
      await putSpec(control, mirrorSpec({ id }));
    }
    await until(() => liveAll().length === 4);
    expect(new Set(liveAll().map((session) => session.spec.id)).size).toBe(4);
    await one.stop();
    expect(one.live()).toHaveLength(0);
    await until(() => two.live().length === 4, { timeoutMs: 5_000 });
  });

  it('end when the lease is lost, and another instance takes over', async () => {
    const one = await startWorker('one');
    await putSpec(control, mirrorSpec());
    await until(() => one.live().length === 1);
    const bucket = await control.bucket(LEASE_BUCKET);
    const thief = { v: 1, instance: 'thief', holder: 'thief', ttl_ms: LEASE_TTL_MS };
    await bucket.put('capture.m1', JSON.stringify(thief));
    await until(() => one.live().length === 0, { timeoutMs: 5_000 });
    // The thief does not renew, so the mirror comes back; a lost lease is no failure.
    await until(() => one.live().length === 1, { timeoutMs: 5_000 });
    expect((await eventsOf('m1')).map((event) => event.type)).not.toContain('session_failed');
  });

  it('keep running while the bucket of specs is lost and made again', async () => {
    const worker = await startWorker('one');
    await putSpec(control, mirrorSpec({ generation: 3 }));
    await until(() => worker.live().length === 1);
    await control.jsm.streams.delete(`KV_${SPEC_BUCKET}`);
    await putSpec(control, mirrorSpec({ generation: 3 }));
    await putSpec(control, mirrorSpec({ generation: 4, id: 'm2' }));
    await until(() => worker.live().length === 2, { timeoutMs: 10_000 });
    expect(worker.opened).toHaveLength(2);
    await putSpec(control, mirrorSpec({ generation: 5, desired: 'hold' }));
    await until(() => worker.live().length === 1, { timeoutMs: 10_000 });
  });

  it('are not disturbed when nats-server crashes and is back before the lease expires', async () => {
    const worker = await startWorker('one', 6_000);
    await putSpec(control, mirrorSpec());
    await until(() => worker.live().length === 1);
    const { port, dataDir } = server;
    await server.kill();
    await until(() => !worker.messaging.connected);
    server = await startNats({ port, dataDir });
    leftFolders.push(dataDir);
    await until(() => control.connected && worker.messaging.connected);
    const bucket = await control.bucket(LEASE_BUCKET);
    const before = await bucket.get('capture.m1');
    await until(async () => (await bucket.get('capture.m1'))?.revision !== before?.revision);
    expect(worker.opened).toHaveLength(1);
    expect(worker.live()).toHaveLength(1);
  });

  it('come back after nats-server crashed and lost everything it had', async () => {
    const worker = await startWorker('one');
    await putSpec(control, mirrorSpec());
    await until(() => worker.live().length === 1);
    const { port } = server;
    await server.stop();
    await until(() => worker.live().length === 0, { timeoutMs: 10_000 });
    server = await startNats({ port });
    await until(() => control.connected, { timeoutMs: 10_000 });
    await putSpec(control, mirrorSpec());
    await until(() => worker.live().length === 1, { timeoutMs: 10_000 });
  });

  it('stop at once whenever they are told to, also in the middle of starting', async () => {
    await putSpec(control, mirrorSpec());
    const messaging = await connect();
    for (let delayMs = 0; delayMs < 40; delayMs += 2) {
      const stopping = new AbortController();
      const { signal } = stopping;
      const loops = Promise.all([
        runMirrorSessions({
          messaging,
          service: 'capture',
          instance: 'one',
          signal,
          openSession: (_spec, context) =>
            new Promise((resolve) => context.signal.addEventListener('abort', () => resolve())),
        }),
        runCommandLoop({ messaging, service: 'capture', instance: 'one', handlers: {}, signal }),
      ]);
      setTimeout(() => stopping.abort(), delayMs);
      const startedMs = performance.now();
      await loops;
      expect(performance.now() - startedMs).toBeLessThan(1_000);
    }
  });

  it('beat with the ids of their mirrors', async () => {
    const beats: Heartbeat[] = [];
    control.subscribeJson<Heartbeat>(heartbeatSubject('capture', '*'), (beat) => {
      beats.push(beat);
    });
    await startWorker('host.with.dots');
    await putSpec(control, mirrorSpec());
    await until(() => beats.some((beat) => beat.mirrors.includes('m1')), { timeoutMs: 5_000 });
    expect(beats.at(-1)).toMatchObject({ service: 'capture', instance: 'host.with.dots' });
    expect(beats.at(-1)?.rss_bytes).toBeGreaterThan(1_000_000);
  });
});
