import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { DEFAULT_MIRROR_OPTIONS, EVENT_STREAM, type AnyWorkerEvent } from '@bunnydb/contracts';
import { connectMessaging, sendCommand, type Messaging } from '@bunnydb/messaging';
import { freePort, startNats, until, type NatsServer } from '@bunnydb/testkit';
import { type SpawnedService, SpawnedServices } from './spawned-services.js';

let server: NatsServer;
let client: Messaging;
const services = new SpawnedServices();

beforeAll(async () => {
  server = await startNats();
  client = await connectMessaging({ url: server.url, name: 'client' });
});
afterEach(() => services.killAll());
afterAll(async () => {
  await client.close();
  await server.stop();
});

function spawnService(environment: Readonly<Record<string, string>> = {}): SpawnedService {
  return services.spawn({ NATS_URL: server.url, ...environment });
}

function startService(environment: Readonly<Record<string, string>> = {}): Promise<SpawnedService> {
  return services.start({ NATS_URL: server.url, ...environment });
}

async function ask(body: string): Promise<unknown> {
  const reply = await client.nc.request('bunny.schema.greet', body, { timeout: 3_000 });
  return reply.json();
}

function provision(id: string, mirrorId: string): Promise<unknown> {
  const peer = {
    name: 'p',
    host: 'h',
    port: 1,
    user: 'u',
    database: 'd',
    ssl_mode: 'prefer',
  } as const;
  return sendCommand(client, 'schema', {
    v: 1,
    command_id: id,
    verb: 'provision_tables',
    mirror_id: mirrorId,
    body: {
      spec: {
        v: 1,
        id: mirrorId,
        name: 'shop',
        generation: 1,
        desired: 'hold',
        source: peer,
        destination: peer,
        slot_name: 's',
        publication_name: 'p',
        own_publication: false,
        tables: [],
        options: DEFAULT_MIRROR_OPTIONS,
      },
    },
  });
}

async function answerTo(id: string): Promise<AnyWorkerEvent | undefined> {
  const { messages } = (await client.jsm.streams.info(EVENT_STREAM)).state;
  for (let seq = 1; seq <= messages; seq += 1) {
    const message = await client.jsm.streams.getMessage(EVENT_STREAM, { seq });
    const event = message?.json<AnyWorkerEvent>();
    if (event !== undefined && 'command_id' in event.body && event.body.command_id === id) {
      return event;
    }
  }
  return undefined;
}

describe('a service, run from the built packages', () => {
  it('answers plain JSON, also to a request that fails or is not JSON', async () => {
    const service = await startService();
    await expect(ask('{"name":"bunny"}')).resolves.toEqual({
      ok: true,
      text: 'hello bunny',
      subject: 'bunny.schema.greet',
    });
    await expect(ask('')).resolves.toMatchObject({ ok: false, failure: { kind: 'invalid_input' } });
    await expect(ask('{')).resolves.toMatchObject({
      ok: false,
      failure: { kind: 'invalid_input' },
    });
    await expect(ask('{"name":"crash"}')).resolves.toMatchObject({
      failure: { kind: 'unexpected' },
    });
    await until(() => service.lines.some((line) => line['kind'] === 'unexpected'));
    const logged = service.lines.find((line) => line['kind'] === 'unexpected');
    expect(logged).toMatchObject({ level: 'error', service: 'schema', error: { name: 'Error' } });
    expect(JSON.stringify(service.lines)).not.toContain('hunter2');
  });

  it('works off commands and answers each with an event', async () => {
    await startService();
    await provision('one', 'm1');
    await provision('two', 'broken');
    const [done, failed] = [await until(() => answerTo('one')), await until(() => answerTo('two'))];
    expect(done).toMatchObject({ type: 'tables_provisioned', body: { created: ['m1:false'] } });
    expect(failed).toMatchObject({
      type: 'command_failed',
      body: { failure: { kind: 'privilege_missing', message: 'may not create' } },
    });
  });

  it('stops cleanly within two seconds of SIGTERM and of SIGINT', async () => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      const service = await startService();
      const startedMs = performance.now();
      service.child.kill(signal);
      expect(await service.ended).toBe(0);
      expect(performance.now() - startedMs).toBeLessThan(2_000);
      expect(service.lines.map((line) => line.msg).slice(-2)).toEqual([
        'fixture closed',
        'stopped',
      ]);
      await expect(ask('{"name":"bunny"}')).rejects.toThrowError();
    }
  });

  it('tells its health and each thing that it depends on', async () => {
    const port = await freePort();
    const own = await startNats();
    await startService({ BUNNY_HEALTH_PORT: String(port), NATS_URL: own.url });
    const get = (path: string): Promise<Response> => fetch(`http://127.0.0.1:${port}${path}`);
    expect((await get('/health')).status).toBe(200);
    const ready = await get('/ready');
    expect([ready.status, await ready.json()]).toEqual([
      200,
      { status: 'ready', dependencies: { nats: true } },
    ]);
    expect((await get('/else')).status).toBe(404);
    await own.stop();
    await until(async () => (await get('/ready')).status === 503);
    expect((await get('/health')).status).toBe(200);
  });

  it('speaks HTTP beside NATS, and ends a response that never ends when it stops', async () => {
    const port = await freePort();
    const service = await startService({ FIXTURE_HTTP_PORT: String(port) });
    const page = await fetch(`http://127.0.0.1:${port}/v1/page`);
    expect(await page.json()).toEqual({ text: 'hello' });
    await expect(ask('{"name":"bunny"}')).resolves.toMatchObject({ text: 'hello bunny' });
    await expect(ask('')).resolves.toMatchObject({ ok: false, failure: { kind: 'invalid_input' } });
    const stream = await fetch(`http://127.0.0.1:${port}/v1/stream`);
    const body = stream.text().catch(() => 'cut off');
    const startedMs = performance.now();
    service.child.kill('SIGTERM');
    expect(await service.ended).toBe(0);
    expect(performance.now() - startedMs).toBeLessThan(2_000);
    expect(await body).toBe('cut off');
  });

  it('waits for NATS when it starts first, and can be stopped while it waits', async () => {
    const service = spawnService({ NATS_URL: `nats://127.0.0.1:${await freePort()}` });
    await until(() => service.lines.some((line) => line.level === 'warn'));
    service.child.kill('SIGTERM');
    expect(await service.ended).toBe(0);
  });

  it('ends with an error when a loop ends that nobody stopped', async () => {
    const service = spawnService({ FIXTURE_LOOP_ENDS_AFTER_MS: '50' });
    expect(await service.ended).toBe(1);
    expect(service.lines.find((line) => line.level === 'fatal')).toMatchObject({
      reason: 'the loop fixture ended',
    });
  });

  it('names every wrong variable and does not start', async () => {
    const service = spawnService({ BUNNY_HEALTH_PORT: 'http', BUNNY_LOG_LEVEL: 'loud' });
    expect(await service.ended).toBe(2);
    expect(service.errors()).toContain('BUNNY_HEALTH_PORT must be a whole number from 0 to 65535');
    expect(service.errors()).toContain('BUNNY_LOG_LEVEL must be one of debug, info');
  });

  it('is killed at the hit of a fault point that was asked for', async () => {
    const service = await startService({ BUNNY_FAULT_POINTS: 'schema.between_tables@2' });
    await expect(ask('{"name":"bunny"}')).resolves.toMatchObject({ ok: true });
    await expect(ask('{"name":"bunny"}')).rejects.toThrowError();
    await service.ended;
    expect(service.child.signalCode).toBe('SIGKILL');
  });

  it('refuses a fault point that does not exist', async () => {
    const service = spawnService({ BUNNY_FAULT_POINTS: 'capture.after_lunch' });
    expect(await service.ended).toBe(2);
    expect(service.errors()).toContain('BUNNY_FAULT_POINTS must list fault points');
  });
});
