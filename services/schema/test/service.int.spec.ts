import { randomBytes } from 'node:crypto';
import { type AnyWorkerEvent, EVENT_STREAM, Query } from '@bunnydb/contracts';
import {
  type Messaging,
  connectMessaging,
  ensureControlStreams,
  putSpec,
  sendCommand,
} from '@bunnydb/messaging';
import { SealingKey } from '@bunnydb/secrets';
import {
  type NatsServer,
  type ServiceProcess,
  startNats,
  startService,
  until,
} from '@bunnydb/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SchemaFixture, peerOf } from './schema-fixture.js';

let nats: NatsServer;
let service: ServiceProcess;
let client: Messaging;
let fixture: SchemaFixture;
const secretKey = randomBytes(32).toString('hex');

beforeAll(async () => {
  nats = await startNats();
  fixture = await SchemaFixture.open();
  await fixture.source.query('create table t (id int primary key, note text)');
  service = startService('schema', {
    NATS_URL: nats.url,
    BUNNY_SECRET_KEY: secretKey,
    BUNNY_INSTANCE: 'schema-test',
  });
  await service.waitForLog('ready');
  client = await connectMessaging({ url: nats.url, name: 'test' });
});

afterAll(async () => {
  await client.close();
  await service.stop();
  await fixture.close();
  await nats.stop();
});

async function ask(subject: string, body: unknown): Promise<unknown> {
  const reply = await client.nc.request(subject, JSON.stringify(body), { timeout: 20_000 });
  return reply.json();
}

/** The answer to a command, once it is on the stream. */
async function answerTo(commandId: string): Promise<AnyWorkerEvent> {
  const answers: AnyWorkerEvent[] = [];
  await until(
    async () => {
      const message = await client.jsm.streams.getMessage(EVENT_STREAM, {
        last_by_subj: 'bunny.evt.schematest.schema.>',
      });
      const event = message?.json<AnyWorkerEvent & { body: { command_id?: string } }>();
      if (event?.body.command_id === commandId) answers.push(event);
      return answers.length > 0;
    },
    { timeoutMs: 20_000, what: `the answer to ${commandId}` },
  );
  const [answer] = answers;
  if (answer === undefined) throw new Error('no answer');
  return answer;
}

describe('the schema service', () => {
  it('answers plain JSON requests, as the NATS CLI sends them', async () => {
    const peer = peerOf(fixture.source);
    expect(await ask(Query.SchemaPeerTest, { peer })).toMatchObject({
      ok: true,
      wal_level: 'logical',
    });
    expect(await ask(Query.SchemaPeerTables, { peer })).toMatchObject({
      ok: true,
      tables: [{ schema: 'public', table_name: 't', has_primary_key: true }],
    });
    expect(
      await ask(Query.SchemaValidate, {
        name: 'm',
        source: peer,
        destination: peerOf(fixture.destination),
        wishes: [{ source: 'public.*' }],
      }),
    ).toMatchObject({ ok: true, tables: [{ source: { schema: 'public', table: 't' } }] });
  });

  it('answers a request of the wrong shape with the path of what is wrong', async () => {
    expect(await ask(Query.SchemaPeerTest, { peer: { host: 'h', user: 'u' } })).toMatchObject({
      ok: false,
      failure: { kind: 'invalid_input', detail: { path: 'peer.database' } },
    });
  });

  it('opens passwords that were sealed with its key, and refuses others', async () => {
    const sealed = (key: string): object => ({
      ...peerOf(fixture.source),
      password: SealingKey.parse(key).seal('anything'),
    });
    expect(await ask(Query.SchemaPeerTest, { peer: sealed(secretKey) })).toMatchObject({
      ok: true,
    });
    const other = randomBytes(32).toString('hex');
    expect(await ask(Query.SchemaPeerTest, { peer: sealed(other) })).toMatchObject({
      ok: false,
      failure: { kind: 'secret_unreadable' },
    });
  });

  it('compares and mends a mirror that is asked for by name, as people with the NATS CLI do', async () => {
    const spec = { ...fixture.spec(['public.t']), id: 'byname', name: 'by-name' };
    await ensureControlStreams(client);
    await putSpec(client, spec);
    await fixture.source.query('create index t_note on t (note)');
    await fixture.destination.query('create table t (id int primary key, note text)');
    const change = { kind: 'create_index', object: 'public.t.t_note' };
    expect(await ask(Query.SchemaDiff, { mirror: 'by-name' })).toMatchObject({
      ok: true,
      in_sync: false,
      changes: [change],
    });
    expect(await ask(Query.SchemaSync, { mirror: 'by-name' })).toMatchObject({ applied: [change] });
    expect(await ask(Query.SchemaDiff, { mirror: 'by-name' })).toMatchObject({ in_sync: true });
    expect(await ask(Query.SchemaDiff, { mirror: 'nobody' })).toMatchObject({
      ok: false,
      failure: { kind: 'invalid_input' },
    });
    await fixture.destination.query('drop table t');
  });

  it('provisions and drops on command, and answers each with one event', async () => {
    const spec = fixture.spec(['public.t']);
    const command = { v: 1, mirror_id: spec.id } as const;
    await sendCommand(client, 'schema', {
      ...command,
      command_id: 'c1',
      verb: 'provision_tables',
      body: { spec },
    });
    expect(await answerTo('c1')).toMatchObject({
      type: 'tables_provisioned',
      body: { created: ['public.t'], existing: [] },
    });
    await sendCommand(client, 'schema', {
      ...command,
      command_id: 'b1',
      verb: 'build_structure',
      body: { spec },
    });
    expect(await answerTo('b1')).toMatchObject({
      type: 'structure_built',
      body: { built: ['create_index public.t.t_note'], failed_count: 0 },
    });
    await sendCommand(client, 'schema', {
      ...command,
      command_id: 'c2',
      verb: 'drop_tables',
      body: { spec, force: false },
    });
    expect(await answerTo('c2')).toMatchObject({
      type: 'tables_dropped',
      body: { dropped: ['public.t'], left: [] },
    });
    await sendCommand(client, 'schema', {
      ...command,
      command_id: 'c3',
      verb: 'provision_tables',
      body: { spec: fixture.spec(['public.gone']) },
    });
    expect(await answerTo('c3')).toMatchObject({
      type: 'command_failed',
      body: { failure: { kind: 'schema_mismatch' } },
    });
  });
});
