import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DiscardPolicy, RetentionPolicy, StorageType } from '@nats-io/jetstream';
import { startNats, type NatsServer } from '@bunnydb/testkit';
import { connectMessaging, toMessagingError, type Messaging } from '../src/index.js';

let server: NatsServer;
let messaging: Messaging;

beforeAll(async () => {
  server = await startNats({
    config: 'max_payload: 65536\nauthorization { user: "me", password: "p@ss" }',
  });
  messaging = await connectMessaging({ url: urlWith('me:p%40ss'), name: 'test' });
});
afterAll(async () => {
  await messaging.close();
  await server.stop();
});

function urlWith(credentials: string): string {
  return server.url.replace('nats://', `nats://${credentials}@`);
}

async function kindOf(failing: Promise<unknown>): Promise<string> {
  try {
    await failing;
    return 'none';
  } catch (error) {
    return toMessagingError(error).kind;
  }
}

async function addStream(
  name: string,
  limits: {
    readonly max_bytes?: number;
    readonly max_msgs?: number;
    readonly max_msg_size?: number;
  },
): Promise<void> {
  await messaging.jsm.streams.add({
    name,
    subjects: [`${name}.>`],
    retention: RetentionPolicy.Limits,
    storage: StorageType.File,
    discard: DiscardPolicy.New,
    ...limits,
  });
}

describe('what the NATS client throws', () => {
  it('is a full stream when its limit is reached', async () => {
    await addStream('bytes', { max_bytes: 2_000 });
    await messaging.js.publish('bytes.a', new Uint8Array(1_500));
    expect(await kindOf(messaging.js.publish('bytes.a', new Uint8Array(1_500)))).toBe(
      'stream_full',
    );
    await addStream('messages', { max_msgs: 1 });
    await messaging.js.publish('messages.a', '');
    expect(await kindOf(messaging.js.publish('messages.a', ''))).toBe('stream_full');
  });

  it('is a fenced stream when somebody else has written first', async () => {
    await addStream('fenced', {});
    await messaging.js.publish('fenced.a', '', { expect: { lastSequence: 0 } });
    const second = messaging.js.publish('fenced.a', '', { expect: { lastSequence: 0 } });
    expect(await kindOf(second)).toBe('stream_fenced');
  });

  it('is a lost stream when it does not exist, also for its consumer and its message', async () => {
    expect(await kindOf(messaging.jsm.streams.info('nowhere'))).toBe('stream_lost');
    await addStream('empty', {});
    expect(await kindOf(messaging.jsm.consumers.info('empty', 'nobody'))).toBe('stream_lost');
    expect(await kindOf(messaging.js.publish('nowhere.a', ''))).toBe('messaging_unavailable');
  });

  it('is a refused value when a message is too large for the server or the stream', async () => {
    await addStream('small', { max_msg_size: 100 });
    expect(await kindOf(messaging.js.publish('small.a', new Uint8Array(200)))).toBe(
      'value_rejected',
    );
    expect(await kindOf(messaging.js.publish('small.a', new Uint8Array(70_000)))).toBe(
      'value_rejected',
    );
  });

  it('ends the first connection at once when the credentials are wrong, without telling them', async () => {
    const error: unknown = await connectMessaging({
      url: urlWith('me:hunter2'),
      name: 'stranger',
    }).catch((reason: unknown) => reason);
    expect(error).toMatchObject({
      kind: 'messaging_unavailable',
      message: 'NATS refused the login',
    });
    expect(JSON.stringify(error)).not.toContain('hunter2');
  });
});
