import { type Log, SILENT_LOG, connectMessaging } from '@bunnydb/messaging';
import {
  type PostgresServer,
  THROW_AWAY_SETTINGS,
  type TestDatabase,
  createDatabase,
  startPostgres,
  until,
} from '@bunnydb/testkit';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { prepareSource } from '../src/shell/prepare-source.js';
import { FadingProxy } from './fading-proxy.js';
import { CapturedMirror, specFor } from './mirror-fixture.js';
import { testNatsUrl } from './nats-url.js';

describe('a silent source', () => {
  let database: TestDatabase;
  let mirror: CapturedMirror | undefined;
  let proxy: FadingProxy | undefined;
  let idleServer: PostgresServer | undefined;
  const told: string[] = [];

  beforeEach(async () => {
    told.length = 0;
    database = await createDatabase({ prefix: 'heartbeat' });
    await database.query('create table t (id int primary key)');
  });
  afterEach(async () => {
    await mirror?.close();
    await proxy?.close();
    mirror = undefined;
    proxy = undefined;
    await database.drop();
    await idleServer?.stop();
    idleServer = undefined;
  });

  /** A mirror whose log is kept, read through a proxy that can fade if there is one. */
  async function start(
    intervalSeconds: number,
    source: { user?: string } = {},
  ): Promise<CapturedMirror> {
    const log: Log = {
      ...SILENT_LOG,
      info: (_, message) => told.push(message),
      warn: (_, message) => told.push(message),
    };
    const messaging = await connectMessaging({ url: testNatsUrl(), name: 'heartbeat test', log });
    const spec = specFor(database, {
      tables: ['public.t'],
      options: { heartbeat_interval_seconds: intervalSeconds },
    });
    const port = proxy?.port ?? spec.source.port;
    mirror = new CapturedMirror(messaging, {
      ...spec,
      source: { ...spec.source, port, ...source },
    });
    const prepared = await prepareSource(messaging, mirror.settings, mirror.spec);
    mirror.spec = { ...mirror.spec, source_identity: prepared.identity };
    mirror.start();
    return mirror;
  }

  /** A server where others write is never silent: it tells how far its WAL has come. */
  async function moveToIdleServer(): Promise<void> {
    idleServer = await startPostgres({ settings: THROW_AWAY_SETTINGS });
    await database.drop();
    database = await createDatabase({ prefix: 'heartbeat', serverUrl: idleServer.url });
    await database.query('create table t (id int primary key)');
  }

  /** A second slot shows what is written into the WAL: how many heartbeats there are. */
  async function heartbeats(slot: string): Promise<number> {
    const rows = await database.query<{ data: Buffer }>(
      `select data from pg_logical_slot_peek_binary_changes('${slot}', null, null, 'proto_version', '1', 'publication_names', 'none', 'messages', 'true')`,
    );
    return rows.filter(({ data }) => data.toString('latin1').includes('bunny\0')).length;
  }

  it('is asked for a heartbeat, which comes back through the slot', async () => {
    await moveToIdleServer();
    const slot = `watch_${database.name}`;
    await database.query('create publication none');
    await database.query(`select pg_create_logical_replication_slot('${slot}', 'pgoutput')`);
    const session = await start(0.5);
    await until(async () => (await heartbeats(slot)) >= 2, { what: 'two heartbeats' });
    expect(session.failure).toBeUndefined();
    expect(told.filter((message) => message.includes('looks at the stream again'))).toEqual([]);
    await session.stop();
    await database.query(`select pg_drop_replication_slot(slot_name) from pg_replication_slots`);
  });

  it('that is no longer heard is told from one that has nothing to say, and the session reconnects', async () => {
    proxy = await FadingProxy.to(database.host, database.port);
    const session = await start(0.5);
    await database.query('insert into t values (1)');
    await until(async () => (await session.changes()).length === 1, { what: 'the first row' });
    proxy.fade();
    await database.query('insert into t values (2)');
    const found = await until(
      async () => {
        if (session.failure) throw session.failure;
        const changes = await session.changes();
        return changes.length >= 2 ? changes : undefined;
      },
      { what: 'the row after the silence' },
    );
    expect(found.map((change) => change.columns[0])).toEqual(['1', '2']);
    expect(told).toContain('capture looks at the stream again');
  });

  it('that takes no heartbeat is read on, and that is noted once', async () => {
    await moveToIdleServer();
    const role = `plain_${database.name}`;
    await database.query(
      `create role ${role} login replication; alter table t owner to ${role}; grant create on database ${database.name} to ${role};
       do $$ declare f regprocedure; begin
         for f in select oid from pg_proc where proname = 'pg_logical_emit_message' loop
           execute format('revoke execute on function %s from public', f);
         end loop; end $$`,
    );
    const session = await start(0.3, { user: role });
    await until(() => told.includes('the source takes no heartbeat'), { what: 'the refusal' });
    await database.query('insert into t values (1)');
    await until(async () => (await session.changes()).length === 1, { what: 'the row' });
    const noted = () => told.filter((message) => message === 'the source takes no heartbeat');
    const since = Date.now();
    await until(() => Date.now() - since > 1_500, { what: 'some more intervals' });
    expect(noted()).toHaveLength(1);
    expect(session.failure).toBeUndefined();
    await session.close();
    mirror = undefined;
    await database.query(
      `select pg_drop_replication_slot('${session.spec.slot_name}'); drop owned by ${role}; drop role ${role}`,
    );
  });
});
