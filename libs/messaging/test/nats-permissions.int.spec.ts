import { AckPolicy } from '@nats-io/jetstream';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import {
  ALL_COMMANDS,
  COMMAND_STREAM,
  EVENT_CONSUMER,
  EVENT_STREAM,
  LEASE_BUCKET,
  Query,
  SPEC_BUCKET,
  type ServiceName,
  changeStreamName,
  changeSubjects,
  commandConsumer,
  commandSubject,
  commitSubject,
  eventSubject,
  inboxPrefix,
  lanesSubject,
  lookSubject,
  positionSubject,
  progressSubject,
  retrySubject,
  statsSubject,
} from '@bunnydb/contracts';
import { natsUsers, startNats, until, type NatsServer } from '@bunnydb/testkit';
import {
  LeaseBook,
  connectMessaging,
  consumeEvents,
  emitEvent,
  ensureControlStreams,
  newWorkerEvent,
  putSpec,
  runCommandLoop,
  sendCommand,
  startHeartbeat,
  toMessagingError,
  watchSpecs,
  type Messaging,
} from '../src/index.js';
import { mirrorSpec } from './mirror-spec-builder.js';

const WORKERS = ['capture', 'apply', 'schema'] as const;
const PASSWORD = '12e5 "quoted" \\ password of ';

let server: NatsServer;
const open: Messaging[] = [];

beforeAll(async () => {
  server = await startNats({ config: natsUsers((user) => PASSWORD + user) });
  await ensureControlStreams(await connectAs('control'));
  await closeAll();
});
afterEach(closeAll);
afterAll(async () => {
  await server.stop();
});

async function closeAll(): Promise<void> {
  await Promise.all(open.splice(0).map((messaging) => messaging.close()));
}

async function connectAs(service: ServiceName): Promise<Messaging> {
  const messaging = await connectMessaging({
    url: server.url,
    name: `${service}-test`,
    login: { tag: 'password', user: service, password: () => PASSWORD + service },
    inboxPrefix: inboxPrefix(service),
  });
  open.push(messaging);
  return messaging;
}

describe('the login', () => {
  it('is asked for, and must be right', async () => {
    const strangers = [
      { url: server.url, name: 'nobody' },
      {
        url: server.url,
        name: 'wrong',
        login: { tag: 'password', user: 'capture', password: () => 'wrong' },
      },
    ] as const;
    for (const stranger of strangers) {
      await expect(connectMessaging(stranger)).rejects.toMatchObject({
        kind: 'messaging_unavailable',
        message: 'NATS refused the login',
      });
    }
  });
});

describe('what each service does every day', () => {
  it.each(WORKERS)(
    'lets %s take commands, tell events, watch specs and hold leases',
    async (me) => {
      const control = await connectAs('control');
      const worker = await connectAs(me);
      await ensureControlStreams(worker);
      const stop = new AbortController();
      const mirror = `m_${me}`;
      const events: string[] = [];
      const specs: string[] = [];
      const work = [
        consumeEvents({
          messaging: control,
          durable: EVENT_CONSUMER,
          onEvent: (event) => {
            events.push(`${event.mirror_id}:${event.type}`);
            return Promise.resolve();
          },
          signal: stop.signal,
        }),
        runCommandLoop({
          messaging: worker,
          service: me,
          instance: 'one',
          handlers: {
            drop_tables: () =>
              Promise.resolve({ type: 'tables_dropped', body: { dropped: [], left: [] } }),
          },
          signal: stop.signal,
        }),
        watchSpecs({ messaging: worker, onSpec: (id) => specs.push(id), signal: stop.signal }),
      ];
      await putSpec(control, mirrorSpec({ id: mirror }));
      const spec = mirrorSpec({ id: mirror });
      await sendCommand(control, me, {
        v: 1,
        command_id: `drop ${mirror}`,
        verb: 'drop_tables',
        mirror_id: mirror,
        body: { spec, force: false },
      });
      await until(() => events.includes(`${mirror}:tables_dropped`), { what: 'the answer' });
      await until(() => specs.includes(mirror), { what: 'the spec' });

      const book = new LeaseBook(worker, me, 'one');
      const lease = await book.claim(mirror);
      expect(lease && (await book.renew(lease))).toMatchObject({ mirrorId: mirror });
      const origin = { service: me, instance: 'one' };
      await emitEvent(worker, newWorkerEvent(origin, mirror, 'session_recovered', {}));
      await until(() => events.includes(`${mirror}:session_recovered`), { what: 'the event' });
      stop.abort();
      await Promise.all(work);
    },
  );

  it('lets control hear heartbeats and statistics, and ask schema', async () => {
    const control = await connectAs('control');
    const schema = await connectAs('schema');
    const capture = await connectAs('capture');
    const apply = await connectAs('apply');
    const heard = new Set<string>();
    control.subscribeJson('bunny.heartbeat.>', (_body, subject) => void heard.add(subject));
    control.subscribeJson('bunny.stats.>', (_body, subject) => void heard.add(subject));
    schema.respondJson('bunny.schema.peer_test', () => ({ ok: true }));
    await Promise.all([control.nc.flush(), schema.nc.flush()]);
    const ends = [capture, apply, schema].map((messaging, index) =>
      startHeartbeat({
        messaging,
        service: WORKERS[index] ?? 'schema',
        instance: 'one',
        version: '1',
        mirrors: () => [],
      }),
    );
    capture.publishJson(statsSubject('m1', 'capture'), {});
    apply.publishJson(statsSubject('m1', 'apply'), {});
    await until(() => heard.size === 5, {
      what: () => `all to be heard, not ${[...heard].join()}`,
    });
    for (const { stop } of ends) stop();
    const options = { timeoutMs: 5_000 };
    await expect(control.request(Query.SchemaPeerTest, {}, options)).resolves.toEqual({ ok: true });
  });

  it('lets capture write a stream of changes and apply read it, and both talk', async () => {
    const capture = await connectAs('capture');
    const apply = await connectAs('apply');
    const schema = await connectAs('schema');
    const name = changeStreamName('m9');
    await capture.jsm.streams.add({ name, subjects: [changeSubjects('shop')], allow_direct: true });
    await capture.js.publish(commitSubject('shop'), 'rows');
    await capture.jsm.streams.update(name, { max_bytes: 1024 ** 2 });
    expect(
      await capture.jsm.streams.getMessage(name, { last_by_subj: 'bunny.cdc.>' }),
    ).not.toBeNull();
    expect(await capture.jsm.direct.getMessage(name, { seq: 1 })).not.toBeNull();

    const heard: string[] = [];
    const note = (_body: unknown, subject: string): void => void heard.push(subject);
    capture.subscribeJson(positionSubject('m9'), note);
    capture.subscribeJson(progressSubject('m9'), note);
    capture.respondJson(`${Query.CaptureRewind}.m9`, () => ({ ok: true }));
    apply.subscribeJson(lanesSubject('m9'), note);
    schema.subscribeJson(lookSubject('m9'), note);
    schema.respondJson(Query.SchemaFollow, () => ({ ok: true }));
    await Promise.all([capture.nc.flush(), apply.nc.flush(), schema.nc.flush()]);
    for (const subject of [positionSubject, progressSubject, lanesSubject, lookSubject]) {
      apply.publishJson(subject('m9'), {});
    }
    await until(() => heard.length === 4, { what: () => `four, not ${heard.join()}` });
    const options = { timeoutMs: 5_000 };
    await expect(apply.request(`${Query.CaptureRewind}.m9`, {}, options)).resolves.toEqual({
      ok: true,
    });
    await expect(apply.request(Query.SchemaFollow, {}, options)).resolves.toEqual({ ok: true });

    expect(await apply.jsm.streams.getMessage(name, { seq: 1 })).not.toBeNull();
    const consumer = await apply.jsm.consumers.add(name, { ack_policy: AckPolicy.None });
    const message = await apply.nc.request(
      `$JS.API.CONSUMER.MSG.NEXT.${name}.${consumer.name}`,
      JSON.stringify({ batch: 1, no_wait: true }),
      // A stream's message keeps its own subject, by which a shared subscription would not know it.
      { timeout: 5_000, noMux: true },
    );
    expect(message.string()).toBe('rows');
    await apply.jsm.consumers.delete(name, consumer.name);
    await capture.jsm.streams.purge(name, { seq: 2 });
    await capture.jsm.streams.delete(name);
  });
});

/** What each user must not do; a publication and a request are refused alike, by the subject. */
const FORBIDDEN: readonly (readonly [ServiceName, string])[] = [
  ['capture', commandSubject('apply', 'change_lanes')],
  ['capture', eventSubject('m1', 'control', 'anything')],
  ['capture', eventSubject('m1', 'apply', 'session_failed')],
  ['capture', `$KV.${SPEC_BUCKET}.m1`],
  ['capture', `$KV.${LEASE_BUCKET}.apply.m1`],
  ['capture', positionSubject('m1')],
  ['capture', Query.SchemaSync],
  ['capture', `$JS.API.STREAM.DELETE.${EVENT_STREAM}`],
  ['capture', `$JS.API.STREAM.UPDATE.${COMMAND_STREAM}`],
  ['capture', `$JS.API.STREAM.PURGE.KV_${SPEC_BUCKET}`],
  ['capture', `$JS.API.STREAM.MSG.GET.${COMMAND_STREAM}`],
  ['capture', `$JS.API.DIRECT.GET.${EVENT_STREAM}`],
  ['apply', 'bunny.cdc.shop.public.orders'],
  ['apply', commandSubject('schema', 'sync_schema')],
  ['apply', eventSubject('m1', 'schema', 'schema_synced')],
  ['apply', `$JS.API.CONSUMER.CREATE.${COMMAND_STREAM}`],
  ['apply', `$JS.API.CONSUMER.CREATE.${COMMAND_STREAM}.bunny_apply.${ALL_COMMANDS}`],
  ['apply', `$JS.API.CONSUMER.MSG.NEXT.${COMMAND_STREAM}.${commandConsumer('schema')}`],
  ['apply', `$JS.API.CONSUMER.MSG.NEXT.${EVENT_STREAM}.${EVENT_CONSUMER}`],
  ['apply', `$JS.API.CONSUMER.DELETE.${EVENT_STREAM}.${EVENT_CONSUMER}`],
  ['apply', `$JS.API.STREAM.DELETE.${changeStreamName('m1')}`],
  ['apply', `$JS.ACK.${COMMAND_STREAM}.${commandConsumer('schema')}.1.1.1.1.0`],
  ['schema', 'bunny.cdc.shop.public.orders'],
  ['schema', `$JS.API.STREAM.MSG.GET.${changeStreamName('m1')}`],
  ['schema', `$JS.API.CONSUMER.CREATE.${changeStreamName('m1')}`],
  ['schema', retrySubject('m1')],
  ['schema', eventSubject('m1', 'capture', 'source_prepared')],
  ['control', 'bunny.cdc.shop.public.orders'],
  ['control', eventSubject('m1', 'apply', 'copy_finished')],
  ['control', `$JS.API.STREAM.MSG.GET.${COMMAND_STREAM}`],
  ['control', `$JS.API.CONSUMER.CREATE.${COMMAND_STREAM}`],
  ['control', `$JS.API.CONSUMER.MSG.NEXT.${COMMAND_STREAM}.${commandConsumer('apply')}`],
  ['control', `$JS.API.STREAM.PURGE.${changeStreamName('m1')}`],
  ['control', `$JS.API.STREAM.DELETE.${EVENT_STREAM}`],
  ['control', `$KV.${LEASE_BUCKET}.capture.m1`],
  ['control', '$SYS.REQ.SERVER.PING'],
];

const FORBIDDEN_SUBSCRIPTIONS: readonly (readonly [ServiceName, string])[] = [
  ['capture', '>'],
  ['capture', '_INBOX.>'],
  ['capture', `${inboxPrefix('control')}.>`],
  ['capture', ALL_COMMANDS],
  ['apply', 'bunny.cdc.>'],
  ['apply', commandSubject('schema', 'sync_schema')],
  ['schema', `$KV.${SPEC_BUCKET}.>`],
  ['schema', 'bunny.evt.>'],
  ['control', 'bunny.cdc.>'],
  ['control', '$JS.API.>'],
];

describe('what each service must not do', () => {
  it.each(FORBIDDEN)('refuses that %s publishes to %s', async (service, subject) => {
    const messaging = await connectAs(service);
    const failure = await messaging.nc
      .request(subject, '{}', { timeout: 5_000 })
      .then(() => undefined, toMessagingError);
    expect(failure).toMatchObject({ kind: 'privilege_missing', detail: { subject } });
  });

  it.each(FORBIDDEN_SUBSCRIPTIONS)('refuses that %s subscribes to %s', async (service, subject) => {
    const messaging = await connectAs(service);
    const refused = new Promise<Error>((resolve) => {
      messaging.nc.subscribe(subject, {
        callback: (error) => {
          if (error !== null) resolve(error);
        },
      });
    });
    expect(toMessagingError(await refused)).toMatchObject({
      kind: 'privilege_missing',
      detail: { subject },
    });
  });

  it('leaves the streams of control alone when a worker has other settings', async () => {
    const worker = await connectMessaging({
      url: server.url,
      name: 'capture-other',
      login: { tag: 'password', user: 'capture', password: () => `${PASSWORD}capture` },
      inboxPrefix: inboxPrefix('capture'),
      leaseTtlMs: 60_000,
    });
    open.push(worker);
    const before = await worker.jsm.streams.info(`KV_${LEASE_BUCKET}`);
    await ensureControlStreams(worker);
    const after = await worker.jsm.streams.info(`KV_${LEASE_BUCKET}`);
    expect(after.config).toEqual(before.config);
  });
});
