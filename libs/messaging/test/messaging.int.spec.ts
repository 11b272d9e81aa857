import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { MirrorError } from '@bunnydb/failure';
import {
  freePort,
  removeTemporaryFolder,
  startNats,
  until,
  type NatsServer,
} from '@bunnydb/testkit';
import { connectMessaging, type Messaging } from '../src/index.js';
import { recordingLog, type RecordedLine } from './recording-log.js';

let server: NatsServer;
const open: Messaging[] = [];

beforeAll(async () => {
  server = await startNats();
});
afterEach(async () => {
  await Promise.all(open.splice(0).map((messaging) => messaging.close()));
});
afterAll(async () => {
  await server.stop();
});

async function connect(lines: RecordedLine[] = []): Promise<Messaging> {
  const messaging = await connectMessaging({
    url: server.url,
    name: 'test',
    log: recordingLog(lines),
  });
  open.push(messaging);
  return messaging;
}

describe('messages', () => {
  it('asks and answers in plain JSON', async () => {
    const messaging = await connect();
    messaging.respondJson<{ a: number }, { sum: number }>('test.add', ({ a }) => ({ sum: a + 1 }));
    await expect(messaging.request('test.add', { a: 1 }, { timeoutMs: 2_000 })).resolves.toEqual({
      sum: 2,
    });
  });

  it('says clearly when nobody answers, and when the answer is late', async () => {
    const messaging = await connect();
    await expect(messaging.request('test.nobody', {}, { timeoutMs: 2_000 })).rejects.toMatchObject({
      kind: 'messaging_unavailable',
      message: 'no service answers on this subject',
      detail: { subject: 'test.nobody' },
    });
    messaging.respondJson('test.late', () => new Promise(() => undefined));
    await expect(messaging.request('test.late', {}, { timeoutMs: 50 })).rejects.toMatchObject({
      kind: 'messaging_unavailable',
      message: 'no answer came in time',
    });
  });

  it('waits for no answer that nobody wants any more', async () => {
    const messaging = await connect();
    messaging.respondJson('test.never', () => new Promise(() => undefined));
    const stopping = new AbortController();
    const answer = messaging.request(
      'test.never',
      {},
      { timeoutMs: 600_000, signal: stopping.signal },
    );
    stopping.abort();
    await expect(answer).rejects.toThrow();
  });

  it('answers a failure as a report, without the text of an unknown error', async () => {
    const messaging = await connect();
    messaging.respondJson('test.fails', (wish: { known: boolean }) => {
      throw wish.known
        ? new MirrorError('disk_full', 'the disk is full', { detail: { server: 'source' } })
        : new Error('the password is hunter2');
    });
    const known = await messaging.request('test.fails', { known: true }, { timeoutMs: 2_000 });
    expect(known).toMatchObject({
      ok: false,
      failure: { kind: 'disk_full', detail: { server: 'source' } },
    });
    const unknown = await messaging.request('test.fails', { known: false }, { timeoutMs: 2_000 });
    expect(unknown).toMatchObject({ ok: false, failure: { kind: 'unexpected' } });
    expect(JSON.stringify(unknown)).not.toContain('hunter2');
  });

  it('answers a request that is not JSON, and survives a message that is not', async () => {
    const lines: RecordedLine[] = [];
    const messaging = await connect(lines);
    messaging.respondJson('test.echo', (body: unknown) => body);
    const reply = await messaging.nc.request('test.echo', 'not json', { timeout: 2_000 });
    expect(reply.json()).toMatchObject({ ok: false, failure: { kind: 'invalid_input' } });
    const empty = await messaging.nc.request('test.echo', '', { timeout: 2_000 });
    expect(empty.json()).toEqual({});

    const seen: unknown[] = [];
    messaging.subscribeJson('test.news', (body) => {
      seen.push(body);
      if (seen.length === 1) {
        throw new Error('a handler that fails');
      }
    });
    messaging.nc.publish('test.news', 'not json');
    messaging.publishJson('test.news', { n: 1 });
    messaging.publishJson('test.news', { n: 2 });
    await until(() => seen.length === 2);
    expect(seen).toEqual([{ n: 1 }, { n: 2 }]);
    expect(lines.filter((line) => line.level === 'error')).toHaveLength(2);
  });

  it('shares requests among the members of a queue', async () => {
    const [one, two] = [await connect(), await connect()];
    const answers: string[] = [];
    for (const [name, member] of [
      ['one', one],
      ['two', two],
    ] as const) {
      member.respondJson('test.shared', () => ({ name }), { queue: 'workers' });
      await member.nc.flush();
    }
    for (let count = 0; count < 40; count += 1) {
      const { name } = await one.request<{ name: string }>('test.shared', {}, { timeoutMs: 2_000 });
      answers.push(name);
    }
    expect(answers).toHaveLength(40);
    expect(new Set(answers)).toEqual(new Set(['one', 'two']));
  });
});

describe('the connection', () => {
  it('tells each reconnect and drops what nobody will want later', async () => {
    const own = await startNats({ port: await freePort() });
    const messaging = await connectMessaging({ url: own.url, name: 'test' });
    const { port, dataDir } = own;
    let reconnects = 0;
    messaging.onReconnect(() => (reconnects += 1));
    messaging.respondJson('test.slow', () => new Promise(() => undefined));
    const unanswered = messaging.request('test.slow', {}, { timeoutMs: 600_000 });
    unanswered.catch(() => undefined);
    await messaging.nc.flush();
    await own.kill();
    await until(() => !messaging.connected);
    messaging.publishJson('test.stale', { n: 1 });
    const again = await startNats({ port, dataDir });
    try {
      await until(() => messaging.connected);
      await until(() => reconnects === 1);
      // Its answer may have been lost with the connection: nobody shall wait for it.
      await expect(unanswered).rejects.toMatchObject({ kind: 'messaging_unavailable' });
      const seen: unknown[] = [];
      messaging.subscribeJson('test.stale', (body) => void seen.push(body));
      messaging.publishJson('test.stale', { n: 2 });
      await until(() => seen.length > 0);
      expect(seen).toEqual([{ n: 2 }]);
    } finally {
      await messaging.close();
      await again.stop();
      removeTemporaryFolder(dataDir);
    }
  });

  it('waits for a server that starts later', async () => {
    const port = await freePort();
    const connecting = connectMessaging({ url: `nats://127.0.0.1:${port}`, name: 'early' });
    const late = await startNats({ port });
    const messaging = await connecting;
    expect(messaging.connected).toBe(true);
    await messaging.close();
    await late.stop();
  });

  it('gives up at its deadline with a reason, and without the credentials', async () => {
    const port = await freePort();
    const failed = connectMessaging({
      url: `nats://me:hunter2@127.0.0.1:${port}`,
      name: 'lost',
      connectDeadlineMs: 100,
    });
    const error: unknown = await failed.catch((reason: unknown) => reason);
    expect(error).toMatchObject({ kind: 'messaging_unavailable' });
    expect(JSON.stringify(error)).not.toContain('hunter2');
  });
});
