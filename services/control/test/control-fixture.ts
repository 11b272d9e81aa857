import {
  type TestDatabase,
  type NatsServer,
  type ServiceProcess,
  createDatabase,
  freePort,
  startNats,
  startService,
  until,
} from '@bunnydb/testkit';
import { type Messaging, connectMessaging } from '@bunnydb/messaging';
import { ApiClient } from './api-client.js';
import { Workers } from './workers.js';

export const ADMIN_PASSWORD = 'a good password';
const SECRET_KEY = '5a'.repeat(32);

/** A built control with its own catalog and nats-server, and stand-ins for the workers that answer over real NATS. */
export interface Fixture {
  readonly nats: NatsServer;
  readonly catalog: TestDatabase;
  readonly messaging: Messaging;
  readonly workers: Workers;
  readonly api: ApiClient;
  readonly control: () => ServiceProcess;
  /** Starts control again (after it was stopped or died) and signs in. */
  readonly restart: (env?: Readonly<Record<string, string>>) => Promise<void>;
  readonly close: () => Promise<void>;
}

/** Starts everything and signs in. */
export async function openFixture(): Promise<Fixture> {
  const nats = await startNats();
  const catalog = await createDatabase({ prefix: 'control' });
  const apiPort = await freePort();
  const env = {
    NATS_URL: nats.url,
    BUNNY_SECRET_KEY: SECRET_KEY,
    BUNNY_JWT_SECRET: 'j'.repeat(40),
    BUNNY_ADMIN_PASSWORD: ADMIN_PASSWORD,
    BUNNY_API_PORT: String(apiPort),
    BUNNY_CATALOG_HOST: catalog.host,
    BUNNY_CATALOG_PORT: String(catalog.port),
    BUNNY_CATALOG_USER: catalog.user,
    BUNNY_CATALOG_DATABASE: catalog.name,
    ...(catalog.password === undefined ? {} : { BUNNY_CATALOG_PASSWORD: catalog.password }),
  };
  const api = new ApiClient(`http://127.0.0.1:${apiPort}`);
  let control = startService('control', env);
  const messaging = await connectMessaging({ url: nats.url, name: 'test' });
  await waitForApi(api, () => control);
  await api.login('admin', ADMIN_PASSWORD);
  const workers = new Workers(messaging);
  return {
    nats,
    catalog,
    messaging,
    workers,
    api,
    control: () => control,
    restart: async (more = {}) => {
      control = startService('control', { ...env, ...more });
      await waitForApi(api, () => control);
      await api.login('admin', ADMIN_PASSWORD);
    },
    close: async () => {
      await workers.stop();
      await control.stop();
      await messaging.close();
      await nats.stop();
      await catalog.drop();
    },
  };
}

async function waitForApi(api: ApiClient, control: () => ServiceProcess): Promise<void> {
  await until(
    async () => {
      if (!control().running) throw new Error(`control ended:\n${control().tail()}`);
      return (await api.get('/health').catch(() => undefined))?.status === 200;
    },
    { what: () => `control to answer:\n${control().tail()}` },
  );
}

/** Makes the two peers that mirrors of the tests use. */
export async function createPeers(api: ApiClient): Promise<void> {
  for (const name of ['src', 'dst']) {
    const body = { name, host: 'db.example', user: 'bunny', password: 'pa55word', database: name };
    const made = await api.post('/v1/peers', body);
    if (made.status !== 201) throw new Error(`the peer ${name} was not made: ${made.status}`);
  }
}
