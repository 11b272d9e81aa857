/**
 * No container engine is needed here: what the containers of docker-compose.yml would run is run as it is written there, command, environment and
 * health check, each with the addresses of this machine in place of the names and ports of the compose network.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  type TestDatabase,
  createDatabase,
  findNatsServer,
  freePort,
  removeTemporaryFolder,
  repositoryRoot,
  temporaryFolder,
  until,
} from '@bunnydb/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ComposeService, exampleVariables, readComposeFile } from '../src/compose-file.js';
import { OtlpReceiver } from '../src/otlp-receiver.js';

const SERVICES = ['capture', 'apply', 'schema', 'control', 'ui'] as const;
type Service = (typeof SERVICES)[number];

/** `.env` as somebody would fill it in. */
const ENV: Readonly<Record<string, string>> = {
  ...Object.fromEntries(exampleVariables()),
  ...Object.fromEntries(
    [...exampleVariables()]
      .filter(([name, value]) => value === '' && /PASSWORD|SECRET|KEY/.test(name))
      .map(([name]) => [name, name.endsWith('_KEY') ? 'ab'.repeat(32) : `n${'0c'.repeat(24)}`]),
  ),
  BUNNY_ALERT_WEBHOOK_SECRET: '',
};

describe('docker-compose.yml', () => {
  const compose = readComposeFile(ENV);
  const { services } = compose;

  test('asks for nothing that .env.example does not name, and every word there is used', () => {
    const text = readFileSync(join(repositoryRoot(), 'docker-compose.yml'), 'utf8');
    const used = new Set([...text.matchAll(/\$\{([A-Z_]+)/g)].map(([, name = '']) => name));
    const required = [...text.matchAll(/\$\{([A-Z_]+):\?/g)].map(([, name = '']) => name);
    const named = exampleVariables();
    expect(required.filter((name) => !named.has(name))).toEqual([]);
    expect([...named.keys()].filter((name) => !used.has(name))).toEqual([]);
    for (const name of new Set(required)) {
      expect(() => readComposeFile({ ...ENV, [name]: '' })).toThrow(name);
    }
  });

  test('sets only variables that the services read, and waits only for what tells its health', () => {
    const page = readFileSync(join(repositoryRoot(), 'docs/operations/environment.md'), 'utf8');
    const told = new Set([...page.matchAll(/^\| `([A-Z_]+)`/gm)].map(([, name]) => name));
    for (const name of SERVICES) {
      const set = Object.keys(services[name]?.environment ?? {});
      expect(set.filter((key) => key !== 'NODE_ENV' && !told.has(key))).toEqual([]);
    }
    for (const { depends_on: needed = {} } of Object.values(services)) {
      if (Array.isArray(needed)) continue;
      for (const [other, { condition }] of Object.entries(needed as object)) {
        expect(condition).toBe('service_healthy');
        expect(services[other]?.healthcheck?.test[0]).toBe('CMD');
      }
    }
  });
});

describe('the containers of docker-compose.yml', () => {
  const { services } = readComposeFile(ENV);
  const receiver = new OtlpReceiver();
  const folder = temporaryFolder('compose');
  const children: ChildProcess[] = [];
  const logs = new Map<string, string>();
  const healthPorts = new Map<Service, number>();
  let ports: Readonly<Record<'nats' | 'monitor' | 'api' | 'ui', number>>;
  let catalog: TestDatabase;
  let otlp: string;

  beforeAll(async () => {
    [catalog, otlp] = await Promise.all([createDatabase({ prefix: 'compose' }), receiver.open()]);
    ports = {
      nats: await freePort(),
      monitor: await freePort(),
      api: await freePort(),
      ui: await freePort(),
    };
    for (const service of SERVICES)
      healthPorts.set(service, service === 'ui' ? ports.ui : await freePort());
  });
  afterAll(async () => {
    for (const child of children.toReversed()) {
      if (child.exitCode !== null) continue;
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGTERM');
      await ended;
    }
    receiver.close();
    await catalog?.drop();
    removeTemporaryFolder(folder);
  });

  function start(
    name: string,
    program: string,
    words: readonly string[],
    environment: Readonly<Record<string, string>>,
  ): ChildProcess {
    const child = spawn(program, words, {
      cwd: repositoryRoot(),
      env: { PATH: process.env['PATH'], ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const note = (text: Buffer): void => {
      logs.set(name, `${logs.get(name) ?? ''}${text.toString()}`.slice(-4_000));
    };
    child.stdout.on('data', note);
    child.stderr.on('data', note);
    children.push(child);
    return child;
  }

  /** A service's environment, with this machine in place of the compose network. */
  function environmentOf(service: Service): Record<string, string> {
    const written = services[service]?.environment ?? {};
    const here: Readonly<Record<string, string>> = {
      NATS_URL: `nats://127.0.0.1:${ports.nats}`,
      OTEL_EXPORTER_OTLP_ENDPOINT: otlp,
      BUNNY_HEALTH_PORT: String(healthPorts.get(service)),
      BUNNY_CATALOG_HOST: catalog.host,
      BUNNY_CATALOG_PORT: String(catalog.port),
      BUNNY_CATALOG_USER: catalog.user,
      BUNNY_CATALOG_PASSWORD: catalog.password ?? '',
      BUNNY_CATALOG_DATABASE: catalog.name,
      BUNNY_API_PORT: String(ports.api),
      BUNNY_API_URL: `http://127.0.0.1:${ports.api}`,
    };
    const own = Object.entries(written).map(([name, value]) => [name, here[name] ?? value]);
    // The console's port is the container's own; here another may have it.
    const extra = service === 'ui' ? { BUNNY_UI_PORT: String(ports.ui) } : {};
    return { ...Object.fromEntries(own), ...extra };
  }

  /** Runs a health check as it is written, but for the port. @returns its exit code. */
  function healthOf(service: Service): number | null {
    const [form, program = '', ...words] = services[service]?.healthcheck?.test ?? [];
    expect([form, program]).toEqual(['CMD', 'node']);
    const port = service === 'ui' ? '3000' : '9000';
    expect(words.at(-1)).toContain(`:${port}/health`);
    const own = words.map((word) => word.replace(`:${port}/`, `:${healthPorts.get(service)}/`));
    return spawnSync(process.execPath, own, { timeout: 5_000 }).status;
  }

  test('run as written, are healthy by their own checks, and make one BunnyDB', async () => {
    const { nats } = services;
    await startNats(nats);
    for (const service of SERVICES) {
      expect(healthOf(service)).toBe(1);
      // The image's entry point, then the container's command.
      const [program = ''] = services[service]?.command ?? [];
      expect(existsSync(join(repositoryRoot(), program))).toBe(true);
      start(service, process.execPath, ['--enable-source-maps', program], environmentOf(service));
    }
    for (const service of SERVICES) {
      await until(() => healthOf(service) === 0, {
        what: () => `${service} to be healthy:\n${[...logs.values()].join('\n')}`,
      });
    }
    // The gateway is ready when it has heard of every other service over NATS.
    const gateway = `http://127.0.0.1:${ports.api}`;
    await until(async () => (await fetch(`${gateway}/ready`)).ok, {
      what: () => `everything to be ready:\n${[...logs.values()].join('\n')}`,
    });
    const login = (): Promise<Response> =>
      fetch(`${gateway}/v1/auth/login`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ username: 'admin', password: ENV['BUNNY_ADMIN_PASSWORD'] }),
      });
    expect((await login()).status).toBe(200);
    const page = await fetch(`http://127.0.0.1:${ports.ui}/`);
    expect(await page.text()).toContain('<div id="root">');
    // Of many requests only some are traced.
    await until(
      async () => {
        if (receiver.spans.some(({ name }) => name === 'POST /v1/auth/login')) return true;
        await login();
        return false;
      },
      { intervalMs: 500, what: 'a trace of a request' },
    );
  });

  /** nats-server with the files that the container mounts, at other ports. */
  async function startNats(nats: ComposeService | undefined): Promise<void> {
    expect(nats?.command).toEqual(['--config', '/etc/nats/nats.conf']);
    const source = join(repositoryRoot(), 'infra/nats');
    const config = readFileSync(join(source, 'nats.conf'), 'utf8')
      .replace('0.0.0.0:4222', `127.0.0.1:${ports.nats}`)
      .replace('0.0.0.0:8222', `127.0.0.1:${ports.monitor}`)
      .replace('store_dir: /data', `store_dir: ${join(folder, 'data')}`);
    mkdirSync(join(folder, 'data'));
    writeFileSync(join(folder, 'nats.conf'), config);
    writeFileSync(join(folder, 'users.conf'), readFileSync(join(source, 'users.conf')));
    const words = ['--config', join(folder, 'nats.conf')];
    start('nats', await findNatsServer(), words, nats?.environment ?? {});
    const check = nats?.healthcheck?.test.at(-1) ?? '';
    expect(check).toContain(':8222/');
    const url = check.replace(':8222/', `:${ports.monitor}/`);
    await until(async () => (await fetch(url).catch(() => undefined))?.ok === true, {
      what: () => `nats-server to be healthy:\n${logs.get('nats') ?? ''}`,
    });
  }
});
