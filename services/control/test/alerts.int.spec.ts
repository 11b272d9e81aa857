import { randomUUID } from 'node:crypto';
import { type IncomingMessage, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Kysely } from 'kysely';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openCatalog } from '@bunnydb/event-store';
import { type Messaging, connectMessaging, ensureControlStreams } from '@bunnydb/messaging';
import { Secret, createLog } from '@bunnydb/service-shell';
import {
  ManualClock,
  type NatsServer,
  type TestDatabase,
  createDatabase,
  startNats,
  until,
} from '@bunnydb/testkit';
import type { AlertMessage } from '../src/core/alert/alert-message.js';
import { mirrorStream, peerStream } from '../src/core/control-event.js';
import type { AlertWebhook } from '../src/shell/alert-webhook.js';
import type { CatalogTables } from '../src/shell/catalog/catalog-tables.js';
import { type ControlStore, buildControlStore } from '../src/shell/catalog/control-store.js';
import { migrateCatalog } from '../src/shell/catalog/migrate-catalog.js';
import { controlSamples } from '../src/shell/control-metrics.js';
import { Bell } from '../src/shell/process/bell.js';
import { deliverAlerts } from '../src/shell/process/deliver-alerts.js';
import { dispatchOutbox } from '../src/shell/process/dispatch-outbox.js';
import { HeartbeatBoard } from '../src/shell/process/heartbeat-board.js';
import { SpecPublisher } from '../src/shell/process/spec-publisher.js';
import { StatsBoard } from '../src/shell/process/stats-board.js';
import { AlertWatcher } from '../src/shell/process/watch-alerts.js';
import { createdBody, peer, record, told } from './mirror-examples.js';

const by = { metadata: { actor: 'test' } };
const log = createLog({ level: 'silent', service: 'control', instance: 'test' });
const LIMITS = { walBytesMax: 2 ** 40, forecastSeconds: 10_800, noProgressSeconds: 3_600 };

let nats: NatsServer;
let database: TestDatabase;
let messaging: Messaging;
let catalog: Kysely<CatalogTables>;
let store: ControlStore;
let receiver: Receiver;
const clock = new ManualClock();
const { now } = clock;

/** A real HTTP server that takes alerts, or refuses them for a while. */
class Receiver {
  readonly got: { readonly message: AlertMessage; readonly headers: IncomingMessage['headers'] }[] =
    [];
  status = 200;
  refusals = 0;
  readonly #server = createServer((request, response) => {
    let text = '';
    request.on('data', (chunk: Buffer) => (text += chunk.toString('utf8')));
    request.on('end', () => {
      if (this.status === 200)
        this.got.push({ message: JSON.parse(text) as AlertMessage, headers: request.headers });
      else this.refusals += 1;
      response.writeHead(this.status).end();
    });
  });

  async open(): Promise<AlertWebhook> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    const { port } = this.#server.address() as AddressInfo;
    return { url: `http://127.0.0.1:${port}/hook`, secret: new Secret('a shared word') };
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }
}

let webhook: AlertWebhook;

beforeAll(async () => {
  nats = await startNats();
  database = await createDatabase({ prefix: 'alerts' });
  messaging = await connectMessaging({ url: nats.url, name: 'test' });
  await ensureControlStreams(messaging);
  const { host, port, user, password, name } = database;
  catalog = openCatalog<CatalogTables>(
    {
      ...{ host, port, user, database: name, tls: { tag: 'none' }, applicationName: 'test' },
      ...(password === undefined ? {} : { password: () => password }),
      poolSizeMax: 6,
      connectTimeoutMs: 5_000,
      statementTimeoutMs: 30_000,
    },
    () => undefined,
  );
  await migrateCatalog(catalog);
  store = buildControlStore(catalog, { now, newId: randomUUID });
  for (const id of ['src', 'dst']) {
    const create = { type: 'create', id, connection: peer(id) } as const;
    await store.peers.handle(peerStream(id), create, by);
  }
});
beforeEach(async () => {
  receiver = new Receiver();
  webhook = await receiver.open();
});
afterAll(async () => {
  await catalog.destroy();
  await messaging.close();
  await nats.stop();
  await database.drop();
});

/** A mirror with a table that is held. */
async function heldMirror(id: string): Promise<StatsBoard> {
  const stats = new StatsBoard(catalog, now);
  const stream = mirrorStream(id);
  const body = { ...createdBody, id, name: id };
  await store.mirrors.handle(stream, { type: 'create', body }, by);
  await setTable(id, 'held');
  return stats;
}

async function setTable(id: string, status: 'held' | 'running'): Promise<void> {
  const event = told('table_state_changed', { table: 'public.users', status });
  const own = { ...event, event_id: randomUUID(), mirror_id: id };
  await store.mirrors.handle(mirrorStream(id), record(own), by);
}

const watcherOf = (stats: StatsBoard): AlertWatcher =>
  new AlertWatcher({
    ...{ catalog, mirrors: store.mirrors, stats, limits: LIMITS, log, now, newId: randomUUID },
  });

async function looks(watchers: readonly AlertWatcher[], seconds: number): Promise<void> {
  for (let passed = 0; passed < seconds; passed += 5) {
    await Promise.all(watchers.map((watcher) => watcher.look()));
    clock.advance(5_000);
  }
}

/** Runs outbox and webhooks until `done`; two of the latter, as with two instances of control. */
async function deliver(done: () => boolean, what: string): Promise<void> {
  const stopping = new AbortController();
  const { signal } = stopping;
  const bell = new Bell();
  const specs = new SpecPublisher(catalog, messaging);
  const webhooks = [webhook];
  const retry = { firstDelayMs: 50, maxDelayMs: 200 };
  const loops = [
    dispatchOutbox({ catalog, messaging, specs, bell, log, signal, alertTargets: 1 }),
    ...[1, 2].map(() =>
      deliverAlerts({
        ...{ catalog, webhooks, log, now: () => new Date(), random: Math.random, signal, retry },
        pulse: undefined,
      }),
    ),
  ];
  try {
    await until(() => (bell.ring(), done()), { what });
  } finally {
    stopping.abort();
    await Promise.all(loops);
    receiver.close();
  }
}

const statesTold = (id: string): readonly string[] =>
  receiver.got
    .filter(({ message }) => message.mirror_id === id)
    .map(({ message }) => message.state);

describe('alerts of a held table', () => {
  it('reach the webhook once, and their end, although two instances watch and deliver', async () => {
    const stats = await heldMirror('malert');
    const watchers = [watcherOf(stats), watcherOf(stats)];
    await looks(watchers, 60);
    await setTable('malert', 'running');
    await looks(watchers, 90);
    await deliver(() => statesTold('malert').length >= 2, 'both messages to come');
    expect(statesTold('malert')).toEqual(['raised', 'resolved']);
    const [first, second] = receiver.got;
    expect(first?.message).toMatchObject({
      v: 1,
      condition: 'table_held',
      severity: 'warning',
      mirror: 'malert',
      table: 'public.users',
      summary: 'table public.users is held',
    });
    expect(second?.message.id).toBe(first?.message.id);
    expect(first?.headers).toMatchObject({
      authorization: 'Bearer a shared word',
      'content-type': 'application/json',
      'idempotency-key': `${first?.message.id}:raised`,
    });
    const history = (await store.events.load(mirrorStream('malert'))).map(
      ({ event }) => event.type,
    );
    expect(history.filter((type) => type.startsWith('alert_'))).toEqual([
      'alert_raised',
      'alert_resolved',
    ]);
    const logs = await catalog
      .selectFrom('mirror_logs')
      .select('message')
      .where('mirror_id', '=', 'malert')
      .where('message', 'like', 'alert %')
      .execute();
    expect(logs.map(({ message }) => message)).toEqual([
      'alert raised: table public.users is held',
      'alert resolved: table public.users is held',
    ]);
  });

  it('wait for a webhook that is down, and come in order when it is back', async () => {
    const stats = await heldMirror('mwait');
    const watcher = watcherOf(stats);
    await looks([watcher], 60);
    await setTable('mwait', 'running');
    await looks([watcher], 90);
    receiver.status = 503;
    await deliver(() => {
      if (receiver.refusals >= 3) receiver.status = 200;
      return statesTold('mwait').length >= 2;
    }, 'the webhook to take both');
    expect(statesTold('mwait')).toEqual(['raised', 'resolved']);
    expect(receiver.refusals).toBeGreaterThanOrEqual(3);
  });

  it('are told in numbers while they are open', async () => {
    const stats = await heldMirror('mcount');
    await looks([watcherOf(stats)], 60);
    const heartbeats = new HeartbeatBoard(now);
    const samples = await controlSamples({ catalog, stats, heartbeats, now });
    const open = samples.filter(
      ({ name, labels }) => name === 'bunny_alerts_open' && labels.mirror === 'mcount',
    );
    expect(open).toContainEqual({
      name: 'bunny_alerts_open',
      labels: { mirror: 'mcount', condition: 'table_held' },
      value: 1,
    });
    expect(samples).toContainEqual({
      name: 'bunny_mirror_tables',
      labels: { mirror: 'mcount', status: 'held' },
      value: 1,
    });
    receiver.close();
  });
});
