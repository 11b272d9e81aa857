import { randomUUID } from 'node:crypto';
import type { Kysely } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { COMMAND_STREAM } from '@bunnydb/contracts';
import { openCatalog } from '@bunnydb/event-store';
import { type Messaging, connectMessaging, ensureControlStreams } from '@bunnydb/messaging';
import { createLog } from '@bunnydb/service-shell';
import {
  ManualClock,
  type NatsServer,
  type TestDatabase,
  createDatabase,
  startNats,
  until,
} from '@bunnydb/testkit';
import { mirrorStream, peerStream } from '../src/core/control-event.js';
import type { CatalogTables } from '../src/shell/catalog/catalog-tables.js';
import { type ControlStore, buildControlStore } from '../src/shell/catalog/control-store.js';
import { migrateCatalog } from '../src/shell/catalog/migrate-catalog.js';
import { Bell } from '../src/shell/process/bell.js';
import { dispatchOutbox } from '../src/shell/process/dispatch-outbox.js';
import { SpecPublisher } from '../src/shell/process/spec-publisher.js';
import { HeartbeatBoard } from '../src/shell/process/heartbeat-board.js';
import { StatsBoard } from '../src/shell/process/stats-board.js';
import { TableStateMender } from '../src/shell/process/table-state-mender.js';
import { wakeMirrors } from '../src/shell/process/wake-mirrors.js';
import { createdBody, peer } from './mirror-examples.js';
import { applyStats, captureStats, tableStats } from './stats-examples.js';

const by = { metadata: { actor: 'test' } };
const log = createLog({ level: 'silent', service: 'control', instance: 'test' });

let nats: NatsServer;
let database: TestDatabase;
let messaging: Messaging;
let catalog: Kysely<CatalogTables>;
let store: ControlStore;
const clock = new ManualClock();
const { now } = clock;

beforeAll(async () => {
  nats = await startNats();
  database = await createDatabase({ prefix: 'process' });
  messaging = await connectMessaging({ url: nats.url, name: 'test' });
  await ensureControlStreams(messaging);
  const { password } = database;
  catalog = openCatalog<CatalogTables>(
    {
      host: database.host,
      port: database.port,
      user: database.user,
      password: password === undefined ? undefined : () => password,
      database: database.name,
      tls: { tag: 'none' },
      applicationName: 'control test',
      poolSizeMax: 4,
      connectTimeoutMs: 5_000,
      statementTimeoutMs: 30_000,
    },
    () => undefined,
  );
  await migrateCatalog(catalog);
  store = buildControlStore(catalog, { now, newId: randomUUID });
  for (const name of ['src', 'dst']) {
    const create = { type: 'create', id: name, connection: peer(name) } as const;
    await store.peers.handle(peerStream(name), create, by);
  }
});
afterAll(async () => {
  await catalog.destroy();
  await messaging.close();
  await nats.stop();
  await database.drop();
});

const eventTypes = async (mirrorId: string): Promise<readonly string[]> =>
  (await store.events.load(mirrorStream(mirrorId))).map(({ event }) => event.type);

const menderOf = (stats: StatsBoard): TableStateMender =>
  new TableStateMender({ catalog, mirrors: store.mirrors, stats, now, newId: randomUUID });

/** Runs outbox and clock until `done`, then stops them. */
async function runUntil(done: () => Promise<boolean>, what: string): Promise<void> {
  const stopping = new AbortController();
  const { signal } = stopping;
  const specs = new SpecPublisher(catalog, messaging);
  const stats = new StatsBoard(catalog, now);
  const bell = new Bell();
  const parts = { catalog, messaging, specs, log, signal };
  const loops = [
    dispatchOutbox({ ...parts, bell, alertTargets: 0 }),
    wakeMirrors({
      ...{ ...parts, mirrors: store.mirrors, stats, mender: menderOf(stats), now },
      heartbeats: new HeartbeatBoard(now),
    }),
  ];
  try {
    await until(
      () => {
        bell.ring();
        return done();
      },
      { what },
    );
  } finally {
    stopping.abort();
    await Promise.all(loops);
  }
}

describe('the process manager', () => {
  it('sends a command again that NATS lost, and leaves one alone that still waits there', async () => {
    const body = { ...createdBody, id: 'mlost', name: 'lost' };
    await store.mirrors.handle(mirrorStream('mlost'), { type: 'create', body }, by);
    const queued = async (): Promise<number> => {
      const info = await messaging.jsm.streams.info(COMMAND_STREAM);
      return info.state.messages;
    };
    await runUntil(async () => (await queued()) === 1, 'the command to be queued');
    clock.advance(60_000);
    const looked = now().getTime();
    await runUntil(async () => {
      clock.advance(20_000);
      return now().getTime() > looked + 100_000;
    }, 'the queue to be looked at');
    expect(await eventTypes('mlost')).toEqual(['mirror_created', 'step_started']);

    await messaging.jsm.streams.purge(COMMAND_STREAM);
    await runUntil(async () => {
      clock.advance(20_000);
      return (await queued()) > 0;
    }, 'the command to be queued again');
    expect((await eventTypes('mlost')).slice(0, 4)).toEqual([
      'mirror_created',
      'step_started',
      'step_lost',
      'step_started',
    ]);
  });

  it('a table whose state was never told is put right by what statistics show twice', async () => {
    const stream = mirrorStream('mtold');
    const body = { ...createdBody, id: 'mtold', name: 'told' };
    await store.mirrors.handle(stream, { type: 'create', body }, by);
    const stats = new StatsBoard(catalog, now);
    const mender = menderOf(stats);
    const shows = (status: 'running' | 'catching_up') =>
      stats.note(
        applyStats({
          ...{ mirror_id: 'mtold', at: now().toISOString() },
          tables: [tableStats({ status })],
        }),
      );
    const statusOf = async (): Promise<unknown> => {
      const rows = await database.query(
        `select status from mirror_tables where mirror_id = 'mtold'`,
      );
      return rows[0]?.['status'];
    };
    shows('catching_up');
    expect([await mender.look(), await mender.look()]).toEqual([0, 0]);
    shows('running');
    expect(await mender.look()).toBe(0);
    clock.advance(60_000);
    // What was heard a minute ago may be over.
    expect(await mender.look()).toBe(0);
    shows('running');
    // Looking twice at the same says nothing more.
    expect([await mender.look(), await mender.look()]).toEqual([0, 0]);
    expect(await statusOf()).toBe('pending');
    clock.advance(5_000);
    shows('running');
    expect(await mender.look()).toBe(1);
    expect(await statusOf()).toBe('running');
    expect(await mender.look()).toBe(0);
  });

  it('what the destination shows gets older while the applier is silent', () => {
    const stats = new StatsBoard(catalog, now);
    const lag = (): number | undefined => stats.statsOf('mold').apply?.lag_seconds;
    stats.note(applyStats({ mirror_id: 'mold', lag_seconds: 0.5 }));
    clock.advance(9_000);
    expect(lag()).toBe(0.5);
    clock.advance(31_000);
    stats.note(captureStats('0/200', '0/100', 'mold'));
    expect(lag()).toBe(40.5);
    expect(stats.seriesOf('mold', 1_000).map((sample) => sample.lag_seconds)).toEqual([40.5]);
    stats.note(applyStats({ mirror_id: 'mold', lag_seconds: 0.1 }));
    expect(lag()).toBe(0.1);
  });

  it('rebuilt read models are those that were kept', async () => {
    const tables = ['mirrors', 'mirror_tables', 'mirror_logs', 'peers', 'users'];
    const dump = async () =>
      Promise.all(
        tables.map((table) => database.query(`select * from ${table} t order by t::text`)),
      );
    const before = await dump();
    expect(before.slice(0, 4).every((rows) => rows.length > 0)).toBe(true);
    await database.query(`truncate ${tables.join(', ')}`);
    await store.events.rebuildProjections();
    expect(await dump()).toEqual(before);
  });
});
