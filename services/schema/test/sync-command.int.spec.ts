import { randomBytes } from 'node:crypto';
import { type AnyWorkerEvent, COMMAND_STREAM, EVENT_STREAM } from '@bunnydb/contracts';
import {
  type Messaging,
  connectMessaging,
  ensureControlStreams,
  sendCommand,
} from '@bunnydb/messaging';
import {
  type NatsServer,
  type ServiceProcess,
  startNats,
  startService,
  until,
} from '@bunnydb/testkit';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FollowFixture } from './follow-fixture.js';

let nats: NatsServer;
let client: Messaging;
let databases: FollowFixture;
let service: ServiceProcess | undefined;
const secretKey = randomBytes(32).toString('hex');

beforeEach(async () => {
  nats = await startNats();
  client = await connectMessaging({ url: nats.url, name: 'test' });
  await ensureControlStreams(client);
  databases = await FollowFixture.open();
});

afterEach(async () => {
  await service?.stop();
  await client.close();
  await databases.close();
  await nats.stop();
});

function start(faultPoints = ''): ServiceProcess {
  service = startService('schema', {
    NATS_URL: nats.url,
    BUNNY_SECRET_KEY: secretKey,
    BUNNY_FAULT_POINTS: faultPoints,
  });
  return service;
}

async function sync(id: string, body: object): Promise<void> {
  const spec = databases.schema.spec(['public.t']);
  await sendCommand(client, 'schema', {
    v: 1,
    command_id: id,
    mirror_id: spec.id,
    verb: 'sync_schema',
    body: { spec, ...body },
  });
}

async function answer(id: string): Promise<AnyWorkerEvent> {
  const found: AnyWorkerEvent[] = [];
  await until(
    async () => {
      for (const type of ['schema_synced', 'command_failed']) {
        const message = await client.jsm.streams.getMessage(EVENT_STREAM, {
          last_by_subj: `bunny.evt.schematest.schema.${type}`,
        });
        const event = message?.json<AnyWorkerEvent & { body: { command_id?: string } }>();
        if (event?.body.command_id === id) found.push(event);
      }
      return found.length > 0;
    },
    { timeoutMs: 60_000, what: `the answer to ${id}` },
  );
  const [event] = found;
  if (event === undefined) throw new Error('no answer');
  return event;
}

async function pending(): Promise<readonly string[]> {
  const { changes } = await databases.schema.diff(['public.t']);
  return changes.map((change) => change.id);
}

describe('a synchronisation by command', () => {
  it('stops at the first change that fails, keeps what was made, and tells how many rows are in the way', async () => {
    await databases.source.query(
      'create table t (id int primary key, a int check (a > 0), b int default 1); create index t_b on t (b)',
    );
    await databases.destination.query(
      'create table t (id int primary key, a int, b int); insert into t values (1, -1), (2, -2)',
    );
    await start().waitForLog('ready');
    await sync('one', { include: ['defaults', 'checks'] });
    expect(await answer('one')).toMatchObject({
      type: 'schema_synced',
      body: {
        applied: ['set_default public.t.b', 'add_check public.t.t_a_check'],
        failed: [
          {
            object: 'validate_check public.t.t_a_check',
            reason: expect.stringMatching(/offending rows: 2$/),
          },
        ],
        stale: [],
      },
    });
    await sync('two', { changes: ['gone'] });
    expect(await answer('two')).toMatchObject({ body: { applied: [], stale: ['gone'] } });
  });

  it('goes on after a crash where it was, makes what is destructive only when allowed, and lets a held table go on', async () => {
    await databases.source.query(
      'create table t (id int primary key, a text, b int default 1); create index t_b on t (b)',
    );
    await databases.destination.query(
      'create table t (id int primary key, a varchar(10), b int, gone int)',
    );
    await databases.destination.query(`
      insert into _bunny.table_state (mirror_id, source_schema, source_table, destination_schema, destination_table, state)
      values ('schematest', 'public', 't', 'public', 't', 'held')`);
    await start('schema.between_changes@2').waitForLog('ready');
    await sync('three', { changes: await pending() });
    await service?.exited;
    await start().waitForLog('ready');
    expect(await answer('three')).toMatchObject({
      type: 'schema_synced',
      body: {
        applied: expect.arrayContaining([
          'alter_type public.t.a',
          'set_default public.t.b',
          'create_index public.t.t_b',
        ]),
        skipped: [{ object: 'drop_column public.t.gone' }],
        failed: [],
        stale: [],
      },
    });
    const command = await client.jsm.streams.getMessage(COMMAND_STREAM, {
      last_by_subj: 'bunny.cmd.apply.>',
    });
    expect(command?.json()).toMatchObject({
      verb: 'change_lanes',
      body: { wish: { action: 'retry' }, tables: ['public.t'] },
    });
    await sync('four', { allow_destructive: true });
    expect(await answer('four')).toMatchObject({
      body: { applied: ['drop_column public.t.gone'], skipped: [] },
    });
    expect(await pending()).toEqual([]);
  });
});
