import { AckPolicy } from '@nats-io/jetstream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ALL_EVENTS, EVENT_STREAM, MESSAGE_VERSION, eventSubject } from '@bunnydb/contracts';
import { startNats, until, type NatsServer } from '@bunnydb/testkit';
import {
  connectMessaging,
  consumeEvents,
  emitEvent,
  ensureControlStreams,
  newWorkerEvent,
  type Messaging,
} from '../src/index.js';

const ORIGIN = { service: 'capture', instance: 'one' } as const;

let server: NatsServer;
let messaging: Messaging;

beforeAll(async () => {
  server = await startNats();
  messaging = await connectMessaging({ url: server.url, name: 'test' });
  await ensureControlStreams(messaging);
});
afterAll(async () => {
  await messaging.close();
  await server.stop();
});

describe('events that several versions and instances of control share', () => {
  it('keep their order where two instances of control share them', async () => {
    const sent: string[] = [];
    for (let n = 0; n < 20; n += 1) {
      const event = newWorkerEvent(ORIGIN, 'shared', 'session_recovered', {});
      sent.push(event.event_id);
      await emitEvent(messaging, event);
    }
    const recorded: string[] = [];
    const takenBy = new Set<string>();
    let inHand = 0;
    let inHandAtMost = 0;
    const stopping = new AbortController();
    const instance = (name: string): Promise<void> =>
      consumeEvents({
        messaging,
        durable: 'shared',
        signal: stopping.signal,
        onEvent: async (event) => {
          if (event.mirror_id !== 'shared') return;
          inHand += 1;
          inHandAtMost = Math.max(inHand, inHandAtMost);
          // Time enough for the other instance to be given the next one.
          for (let turn = 0; turn < 5; turn += 1) {
            await messaging.jsm.consumers.info(EVENT_STREAM, 'shared');
          }
          takenBy.add(name);
          recorded.push(event.event_id);
          inHand -= 1;
        },
      });
    const loops = [instance('one'), instance('other')];
    await until(() => recorded.length >= sent.length, { what: 'all events to be recorded' });
    stopping.abort();
    await Promise.all(loops);
    expect(recorded).toEqual(sent);
    expect(takenBy.size).toBe(2);
    expect(inHandAtMost).toBe(1);
  });

  it('are consumed by a consumer that another version made with other settings', async () => {
    await messaging.jsm.consumers.add(EVENT_STREAM, {
      ...{ durable_name: 'older', filter_subject: ALL_EVENTS },
      ...{ ack_policy: AckPolicy.Explicit, max_ack_pending: 1_000, max_deliver: -1 },
    });
    const seen: string[] = [];
    const stopping = new AbortController();
    const loop = consumeEvents({
      messaging,
      durable: 'older',
      signal: stopping.signal,
      onEvent: ({ event_id: id }) => {
        seen.push(id);
        return Promise.resolve();
      },
    });
    const event = newWorkerEvent(ORIGIN, 'm1', 'session_recovered', {});
    await emitEvent(messaging, event);
    await until(() => seen.includes(event.event_id));
    stopping.abort();
    await loop;
    const { config } = await messaging.jsm.consumers.info(EVENT_STREAM, 'older');
    expect(config.max_ack_pending).toBe(1);
  });

  it('of a newer version wait for a newer control, and none overtakes them', async () => {
    const seen: string[] = [];
    const stopping = new AbortController();
    const event = newWorkerEvent(ORIGIN, 'newer', 'session_recovered', {});
    const { seq } = await messaging.js.publish(
      eventSubject('newer', 'capture', 'session_recovered'),
      JSON.stringify({ ...event, v: MESSAGE_VERSION + 1 }),
    );
    await emitEvent(messaging, newWorkerEvent(ORIGIN, 'newer', 'session_recovered', {}));
    const loop = consumeEvents({
      messaging,
      durable: 'waits',
      signal: stopping.signal,
      onEvent: ({ mirror_id: mirror }) => {
        if (mirror === 'newer') seen.push(mirror);
        return Promise.resolve();
      },
    });
    const info = () => messaging.jsm.consumers.info(EVENT_STREAM, 'waits');
    await until(async () => {
      const found = await info().catch(() => undefined);
      return found && found.ack_floor.stream_seq === seq - 1 && found.delivered.stream_seq >= seq;
    });
    stopping.abort();
    await loop;
    expect(seen).toEqual([]);
    expect((await info()).ack_floor.stream_seq).toBe(seq - 1);
    await messaging.jsm.streams.deleteMessage(EVENT_STREAM, seq);
  });
});
