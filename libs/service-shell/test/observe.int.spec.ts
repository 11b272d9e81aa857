import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { METRICS } from '@bunnydb/contracts';
import { connectMessaging, type Messaging } from '@bunnydb/messaging';
import { freePort, startNats, until, type NatsServer } from '@bunnydb/testkit';
import { type SpawnedService, SpawnedServices } from './spawned-services.js';

let server: NatsServer;
let client: Messaging;
let port: number;
const services = new SpawnedServices();

beforeAll(async () => {
  server = await startNats();
  client = await connectMessaging({ url: server.url, name: 'client' });
  port = await freePort();
});
afterEach(() => services.killAll());
afterAll(async () => {
  await client.close();
  await server.stop();
});

function startService(environment: Readonly<Record<string, string>> = {}): Promise<SpawnedService> {
  return services.start({
    NATS_URL: server.url,
    BUNNY_HEALTH_PORT: String(port),
    BUNNY_INSTANCE: 'one.of-many',
    ...environment,
  });
}

const get = (path: string): Promise<Response> => fetch(`http://127.0.0.1:${port}${path}`);

describe('what a running service tells', () => {
  it('tells its metrics in the words of Prometheus, each with a name of the list', async () => {
    await startService();
    const text = await (await get('/metrics')).text();
    const told = [...text.matchAll(/^# TYPE (\w+) (\w+)$/gm)].map(([, name, kind]) => [name, kind]);
    expect(told.length).toBeGreaterThan(8);
    for (const [name, kind] of told.filter(([name]) => name !== 'target_info')) {
      expect(METRICS).toHaveProperty(name ?? '', expect.objectContaining({ kind }));
    }
    expect(text).toMatch(/^bunny_nats_connected(\{[^}]*\})? 1$/m);
    expect(text).toMatch(/^bunny_commands_total\{verb="provision_tables",outcome="done"\} 0$/m);
    expect(text).toMatch(/^bunny_event_loop_delay_seconds\{stat="p99"\} \d/m);
    expect(text).toMatch(/^target_info\{service_name="bunnydb-schema",.*"one.of-many"/m);
  });

  it('changes its log level when it is asked to over NATS', async () => {
    const service = await startService();
    const ask = (subject: string, body: object): Promise<object> =>
      client.request<object>(subject, body, { timeoutMs: 3_000 });
    const answer = { ok: true, service: 'schema', instance: 'one.of-many' };
    expect(await ask('bunny.schema.log_level', {})).toEqual({ ...answer, level: 'info' });
    expect(await ask('bunny.schema.log_level.one%2Eof-many', { level: 'error' })).toEqual({
      ...answer,
      level: 'error',
    });
    expect(await ask('bunny.schema.log_level', { level: 'loud' })).toMatchObject({
      ok: false,
      failure: { kind: 'invalid_input' },
    });
    service.child.kill('SIGUSR2');
    await until(() => service.lines.some((line) => line['to'] === 'debug'));
    service.child.kill('SIGUSR2');
    await until(() => service.lines.some((line) => line['to'] === 'info'));
  });

  it('is alive while it waits, and not any more when a loop is stuck', async () => {
    const service = await startService({ FIXTURE_STUCK_AFTER_MS: '100' });
    expect((await get('/health')).status).toBe(200);
    const answer = await until(async () => {
      const health = await get('/health');
      return health.status === 503 ? health.json() : undefined;
    });
    expect(answer).toEqual({ status: 'stuck', loops: ['fixture'] });
    expect(service.lines.filter((line) => line['loops'] !== undefined)).toHaveLength(1);
    expect(await (await get('/metrics')).text()).toMatch(/^bunny_stuck_loops 1$/m);
  });
});
