import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  COMMAND_STREAM,
  EVENT_STREAM,
  LEASE_BUCKET,
  MESSAGE_VERSION,
  SPEC_BUCKET,
  commandConsumer,
  type AnyCommand,
  type AnyWorkerEvent,
} from '@bunnydb/contracts';
import { MirrorError } from '@bunnydb/failure';
import { removeTemporaryFolder, startNats, until, type NatsServer } from '@bunnydb/testkit';
import {
  connectMessaging,
  consumeEvents,
  emitEvent,
  ensureControlStreams,
  newWorkerEvent,
  runCommandLoop,
  sendCommand,
  type CommandHandlers,
  type Messaging,
} from '../src/index.js';
import { mirrorSpec } from './mirror-spec-builder.js';

let server: NatsServer;
let messaging: Messaging;
const cleanups: (() => Promise<void>)[] = [];

beforeAll(async () => {
  server = await startNats();
  messaging = await connectMessaging({ url: server.url, name: 'test' });
  await ensureControlStreams(messaging);
});
afterAll(async () => {
  for (const cleanup of cleanups.reverse()) {
    await cleanup();
  }
  await messaging.close();
  await server.stop();
});

const ORIGIN = { service: 'capture', instance: 'one' } as const;

function command(id: string, verb: 'clean_source' | 'prepare_source' = 'clean_source'): AnyCommand {
  const base = { v: 1, command_id: id, mirror_id: 'm1' } as const;
  return verb === 'clean_source'
    ? { ...base, verb, body: { spec: mirrorSpec(), force: false } }
    : { ...base, verb, body: { spec: mirrorSpec() } };
}

/** Runs a command loop until the test file ends or the returned function is called. */
function startLoop(
  service: 'capture' | 'apply' | 'schema',
  handlers: CommandHandlers,
  over: Messaging = messaging,
): () => Promise<void> {
  const stopping = new AbortController();
  const loop = runCommandLoop({
    messaging: over,
    service,
    instance: 'one',
    handlers,
    signal: stopping.signal,
  });
  const stop = async (): Promise<void> => {
    stopping.abort();
    await loop;
  };
  cleanups.push(stop);
  return stop;
}

/** Collects every event of the stream, as control does. */
function collectEvents(durable: string): readonly AnyWorkerEvent[] {
  const events: AnyWorkerEvent[] = [];
  const stopping = new AbortController();
  const loop = consumeEvents({
    messaging,
    durable,
    signal: stopping.signal,
    onEvent: (event) => {
      events.push(event);
      return Promise.resolve();
    },
  });
  cleanups.push(async () => {
    stopping.abort();
    await loop;
  });
  return events;
}

function answersTo(events: readonly AnyWorkerEvent[], id: string): readonly AnyWorkerEvent[] {
  return events.filter((event) => 'command_id' in event.body && event.body.command_id === id);
}

const pendingCommands = async (): Promise<number> =>
  (await messaging.jsm.streams.info(COMMAND_STREAM)).state.messages;

describe('the control streams', () => {
  it('can be ensured again and by several at once without a change', async () => {
    const before = await messaging.jsm.streams.info(EVENT_STREAM);
    await Promise.all([ensureControlStreams(messaging), ensureControlStreams(messaging)]);
    const after = await messaging.jsm.streams.info(EVENT_STREAM);
    expect(after.created).toBe(before.created);
    expect(after.config).toEqual(before.config);
  });

  it('brings a changed setting back in line', async () => {
    const name = `KV_${LEASE_BUCKET}`;
    await messaging.jsm.streams.update(name, { max_age: 60_000_000_000 });
    await ensureControlStreams(messaging);
    const info = await messaging.jsm.streams.info(name);
    expect(info.config.max_age).toBe(messaging.settings.leaseTtlMs * 1_000_000);
    const specs = await messaging.jsm.streams.info(`KV_${SPEC_BUCKET}`);
    expect(specs.config.max_age).toBe(0);
    expect(specs.config.max_msgs_per_subject).toBe(1);
  });
});

describe('events', () => {
  it('are stored once, however often they are sent', async () => {
    const event = newWorkerEvent(ORIGIN, 'm1', 'session_started', { generation: 1 });
    const first = await emitEvent(messaging, event);
    const second = await emitEvent(messaging, event);
    expect([first.duplicate, second.duplicate]).toEqual([false, true]);
    expect(second.streamSeq).toBe(first.streamSeq);
  });

  it('are handed over in order, and one that cannot be recorded is not overtaken', async () => {
    const seen: number[] = [];
    let failures = 2;
    const stopping = new AbortController();
    const loop = consumeEvents({
      messaging,
      durable: 'in_order',
      signal: stopping.signal,
      onEvent: (event) => {
        if (event.mirror_id !== 'ordered' || event.type !== 'session_started') {
          return Promise.resolve();
        }
        if (event.body.generation === 2 && failures > 0) {
          failures -= 1;
          return Promise.reject(new Error('the catalog is away'));
        }
        seen.push(event.body.generation);
        return Promise.resolve();
      },
    });
    for (const generation of [1, 2, 3, 4, 5]) {
      await emitEvent(
        messaging,
        newWorkerEvent(ORIGIN, 'ordered', 'session_started', { generation }),
      );
    }
    await until(() => seen.length === 5);
    stopping.abort();
    await loop;
    expect(seen).toEqual([1, 2, 3, 4, 5]);
  });

  it('go on after the last acknowledged one when the consumer comes back', async () => {
    const run = async (count: number): Promise<readonly string[]> => {
      const ids: string[] = [];
      const stopping = new AbortController();
      const loop = consumeEvents({
        messaging,
        durable: 'comes_back',
        signal: stopping.signal,
        onEvent: (event) => {
          if (event.mirror_id === 'resumed') {
            ids.push(event.event_id);
          }
          return Promise.resolve();
        },
      });
      await until(() => ids.length === count);
      stopping.abort();
      await loop;
      return ids;
    };
    const sent: string[] = [];
    const send = async (): Promise<void> => {
      const event = newWorkerEvent(ORIGIN, 'resumed', 'session_recovered', {});
      sent.push(event.event_id);
      await emitEvent(messaging, event);
    };
    await send();
    const first = await run(1);
    await send();
    await send();
    const second = await run(2);
    expect([...first, ...second]).toEqual(sent);
  });

  it('are stored again after the stream was lost with all its messages', async () => {
    await messaging.jsm.streams.delete(EVENT_STREAM);
    const event = newWorkerEvent(ORIGIN, 'm1', 'session_recovered', {});
    await expect(emitEvent(messaging, event)).resolves.toMatchObject({ duplicate: false });
  });
});

describe('commands', () => {
  it('are answered by one event each and then removed', async () => {
    const events = collectEvents('answers');
    startLoop('capture', {
      clean_source: (given) =>
        Promise.resolve({ type: 'source_cleaned', body: { left: [given.body.spec.slot_name] } }),
    });
    await sendCommand(messaging, 'capture', command('c1'));
    await until(() => answersTo(events, 'c1').length === 1);
    expect(answersTo(events, 'c1')[0]).toMatchObject({
      type: 'source_cleaned',
      service: 'capture',
      mirror_id: 'm1',
      body: { command_id: 'c1', left: ['bunny_m1'] },
    });
    await until(async () => (await pendingCommands()) === 0);
  });

  it('of a newer version are left to an instance that can read them', async () => {
    const stop = startLoop('apply', {
      clean_destination: () => Promise.resolve({ type: 'destination_cleaned', body: { left: [] } }),
    });
    const events = collectEvents('left');
    const newer = { v: MESSAGE_VERSION + 1, command_id: 'c9', verb: 'clean_destination' };
    const { seq } = await messaging.js.publish(
      'bunny.cmd.apply.clean_destination',
      JSON.stringify({ ...newer, mirror_id: 'm1', body: { all: 'that changed' } }),
    );
    const consumer = commandConsumer('apply');
    await until(
      async () =>
        (await messaging.jsm.consumers.info(COMMAND_STREAM, consumer)).num_redelivered > 0,
    );
    expect(answersTo(events, 'c9')).toEqual([]);
    expect((await messaging.jsm.streams.getMessage(COMMAND_STREAM, { seq }))?.seq).toBe(seq);
    await stop();
    await messaging.jsm.streams.deleteMessage(COMMAND_STREAM, seq);
  });

  it('fail with a report that names the kind, also when the verb is unknown', async () => {
    const events = collectEvents('failures');
    startLoop('apply', {
      clean_destination: () => Promise.reject(new MirrorError('read_only', 'it is a standby')),
    });
    await sendCommand(messaging, 'apply', {
      v: 1,
      command_id: 'c2',
      verb: 'clean_destination',
      mirror_id: 'm1',
      body: { spec: mirrorSpec(), force: false },
    });
    await messaging.js.publish(
      'bunny.cmd.apply.fly',
      JSON.stringify({ v: 1, command_id: 'c3', verb: 'fly', mirror_id: 'm1', body: {} }),
    );
    await messaging.js.publish('bunny.cmd.apply.fly', 'not json');
    await until(() => answersTo(events, 'c2').length === 1 && answersTo(events, 'c3').length === 1);
    expect(answersTo(events, 'c2')[0]).toMatchObject({
      type: 'command_failed',
      body: { failure: { kind: 'read_only', action: 'retry_timed' } },
    });
    expect(answersTo(events, 'c3')[0]).toMatchObject({
      type: 'command_failed',
      body: { failure: { kind: 'protocol_violation', detail: { verb: 'fly' } } },
    });
    await until(async () => (await pendingCommands()) === 0);
  });

  it('that are in hand when the process stops are left to the next instance', async () => {
    const events = collectEvents('handed_over');
    let started = false;
    const stop = startLoop('schema', {
      drop_tables: (_command, { signal }) =>
        new Promise((_resolve, reject) => {
          started = true;
          signal.addEventListener('abort', () => reject(new Error('stopped half-way')));
        }),
    });
    await sendCommand(messaging, 'schema', {
      v: 1,
      command_id: 'c4',
      verb: 'drop_tables',
      mirror_id: 'm1',
      body: { spec: mirrorSpec(), force: false },
    });
    await until(() => started);
    await stop();
    expect(answersTo(events, 'c4')).toEqual([]);
    startLoop('schema', {
      drop_tables: () =>
        Promise.resolve({ type: 'tables_dropped', body: { dropped: ['a.b'], left: [] } }),
    });
    await until(() => answersTo(events, 'c4').length === 1);
    expect(answersTo(events, 'c4')[0]).toMatchObject({ type: 'tables_dropped' });
  });

  it('survive a crash of nats-server in the middle of the work', async () => {
    const own = await startNats();
    const { port, dataDir } = own;
    const over = await connectMessaging({ url: own.url, name: 'crash' });
    await ensureControlStreams(over);
    let release: () => void = () => undefined;
    let calls = 0;
    const stop = startLoop(
      'capture',
      {
        clean_source: async () => {
          calls += 1;
          if (calls === 1) {
            await new Promise<void>((resolve) => (release = resolve));
          }
          return { type: 'source_cleaned', body: { left: [] } };
        },
      },
      over,
    );
    await sendCommand(over, 'capture', command('c5'));
    await until(() => calls === 1);
    await own.kill();
    await until(() => !over.connected);
    const again = await startNats({ port, dataDir });
    release();
    const answers = async (): Promise<number> =>
      (await over.jsm.streams.info(EVENT_STREAM)).state.messages;
    await until(async () => over.connected && (await answers()) >= 1);
    await sendCommand(over, 'capture', command('c6'));
    await until(async () => (await answers()) >= 2);
    await stop();
    await over.close();
    await again.stop();
    removeTemporaryFolder(dataDir);
  });
});
