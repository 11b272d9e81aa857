import { join } from 'node:path';
import pg from 'pg';
import {
  type PostgresServer,
  findNatsServer,
  isPortFree,
  startPostgres,
  until,
} from '@bunnydb/testkit';
import { ApiClient, isRecord } from './api-client.js';
import type { Launch } from './launch.js';
import { type LaunchOptions, type Ports, portWords } from './options.js';
import { startMessaging } from './start-messaging.js';
import { ServiceSupervisor } from './service-supervisor.js';
import { UserProblem } from './user-problem.js';

const SERVICES = ['control', 'schema', 'capture', 'apply', 'ui'] as const;
const CATALOG_DATABASE = 'bunny';
const READY_TIMEOUT_MS = 90_000;

const PORT_USES: Readonly<Record<keyof Ports, string>> = {
  ui: 'the console',
  api: 'the REST gateway',
  nats: 'nats-server',
  catalog: 'the catalog',
  source: "the demo's source",
  destination: "the demo's destination",
};

/** Looks at all ports before anything is started, so that nothing is left half done. */
export async function checkPorts({ ports, plan }: LaunchOptions): Promise<void> {
  const needed: readonly (keyof Ports)[] =
    plan.kind === 'demo'
      ? ['ui', 'api', 'nats', 'catalog', 'source', 'destination']
      : ['ui', 'api', 'nats', 'catalog'];
  for (const port of needed) {
    if (await isPortFree(ports[port])) continue;
    throw new UserProblem(
      `Port ${ports[port]}, wanted for ${PORT_USES[port]}, is in use: stop what listens there, or choose another with ${portWords(port)}.`,
    );
  }
}

/** Starts the catalog, nats-server and the services, and waits until the gateway says that all are there, and the console answers. */
export async function startStack(launch: Launch): Promise<ApiClient> {
  const { options, secrets, screen } = launch;
  await findNatsServer({ onProgress: (message) => screen.say(message) });
  screen.show(['starting the catalog and nats-server …'], 'starting the catalog and nats-server');
  const [catalog, natsUrl] = await Promise.all([startCatalog(launch), startMessaging(launch)]);
  screen.show(['starting the services …'], 'starting the services');
  const environment = serviceEnvironment(launch, catalog, natsUrl);
  const supervisor = new ServiceSupervisor({
    screen,
    // The console is what browsers reach, so it is told no secret.
    environmentOf: (service) =>
      service === 'ui' ? consoleEnvironment(options.ports) : environment,
    logFolder: launch.folder.logs,
  });
  launch.stopList.add('services', () => supervisor.stopAll());
  for (const service of SERVICES) supervisor.start(service);
  const api = new ApiClient(`http://127.0.0.1:${options.ports.api}`, {
    username: secrets.adminUser,
    password: secrets.adminPassword,
  });
  await waitUntilReady(api.baseUrl, launch, supervisor);
  await waitForConsole(launch, supervisor);
  screen.clear();
  return api;
}

async function startCatalog({
  options,
  folder,
  secrets,
  stopList,
}: Launch): Promise<PostgresServer> {
  const catalog = await startPostgres({
    version: 17,
    dataDir: join(folder.clusters, 'catalog'),
    port: options.ports.catalog,
    password: secrets.catalogPassword,
    settings: { wal_level: 'replica' },
  });
  stopList.add('catalog', () => catalog.stop());
  await ensureDatabase(catalog, CATALOG_DATABASE);
  return catalog;
}

/** Creates a database if it is not there. */
export async function ensureDatabase(server: PostgresServer, name: string): Promise<void> {
  const client = new pg.Client({ connectionString: server.url });
  await client.connect();
  try {
    const { rowCount } = await client.query('select from pg_database where datname = $1', [name]);
    if (rowCount === 0) await client.query(`create database ${name}`);
  } finally {
    await client.end();
  }
}

function serviceEnvironment(
  { options, secrets }: Launch,
  catalog: PostgresServer,
  natsUrl: string,
): Record<string, string> {
  return {
    NATS_URL: natsUrl,
    ...(options.natsNodes > 1 ? { BUNNY_NATS_REPLICAS: '3' } : {}),
    BUNNY_SECRET_KEY: secrets.secretKey,
    BUNNY_JWT_SECRET: secrets.jwtSecret,
    BUNNY_ADMIN_USER: secrets.adminUser,
    BUNNY_ADMIN_PASSWORD: secrets.adminPassword,
    BUNNY_API_PORT: String(options.ports.api),
    BUNNY_UI_PORT: String(options.ports.ui),
    BUNNY_CATALOG_HOST: catalog.host,
    BUNNY_CATALOG_PORT: String(catalog.port),
    BUNNY_CATALOG_USER: catalog.user,
    BUNNY_CATALOG_PASSWORD: secrets.catalogPassword,
    BUNNY_CATALOG_DATABASE: CATALOG_DATABASE,
    ...passedOn('BUNNY_LOG_LEVEL', 'OTEL_EXPORTER_OTLP_ENDPOINT', 'BUNNY_LEASE_TTL_MS'),
  };
}

function consoleEnvironment(ports: Ports): Record<string, string> {
  return {
    BUNNY_UI_PORT: String(ports.ui),
    BUNNY_API_URL: `http://127.0.0.1:${ports.api}`,
  };
}

function passedOn(...names: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    names.flatMap((name) => {
      const value = process.env[name];
      return value === undefined ? [] : [[name, value]];
    }),
  );
}

async function waitUntilReady(
  baseUrl: string,
  launch: Launch,
  supervisor: ServiceSupervisor,
): Promise<void> {
  let missing = 'the gateway';
  const isReady = async (): Promise<boolean> => {
    try {
      const answer = await fetch(`${baseUrl}/ready`, { signal: AbortSignal.timeout(5_000) });
      if (answer.ok) return true;
      missing = describeMissing(await answer.json());
    } catch {
      missing = 'the gateway';
    }
    const text = `starting the services: waiting for ${missing}`;
    launch.screen.show([`${text} …`], text);
    return false;
  };
  try {
    await until(isReady, { timeoutMs: READY_TIMEOUT_MS, intervalMs: 200, what: 'the services' });
  } catch (error) {
    throw new UserProblem(
      `The services did not become ready (${missing} is missing): see the logs in ${launch.folder.logs}.\n${supervisor.tail('control')}`,
      error,
    );
  }
}

async function waitForConsole(
  { options, folder }: Launch,
  supervisor: ServiceSupervisor,
): Promise<void> {
  const url = `http://127.0.0.1:${options.ports.ui}/health`;
  const answers = () =>
    fetch(url, { signal: AbortSignal.timeout(5_000) }).then(
      (answer) => answer.ok,
      () => false,
    );
  try {
    await until(answers, { timeoutMs: READY_TIMEOUT_MS, intervalMs: 100, what: 'the console' });
  } catch (error) {
    throw new UserProblem(
      `The console does not answer: see the logs in ${folder.logs}.\n${supervisor.tail('ui')}`,
      error,
    );
  }
}

/** The names of what `/ready` does not find, from whatever shape it lists them in. */
function describeMissing(answer: unknown): string {
  const missing: string[] = [];
  const visit = (name: string, value: unknown): void => {
    if (value === false || value === 'down' || value === 'missing') missing.push(name);
    else if (isRecord(value) && (value['ok'] === false || value['ready'] === false) && name !== '')
      missing.push(name);
    else if (isRecord(value))
      for (const [field, child] of Object.entries(value)) visit(field, child);
  };
  visit('', answer);
  return missing.length > 0 ? missing.join(', ') : 'the services';
}
