import { type NatsServer, startNats } from './nats-server.js';
import { THROW_AWAY_SETTINGS, type PostgresServer, startPostgres } from './postgres-server.js';

/** Set for the workers of Vitest; a URL that is given from outside is used instead of a server of our own. */
export const TEST_POSTGRES_URL = 'BUNNY_TEST_PG_URL';
export const TEST_NATS_URL = 'BUNNY_TEST_NATS_URL';
export const TEST_NATS_MONITOR_URL = 'BUNNY_TEST_NATS_MONITOR_URL';

interface SharedServers {
  readonly postgres: PostgresServer | undefined;
  readonly nats: NatsServer | undefined;
}

interface Sharing {
  users: number;
  readonly servers: Promise<SharedServers>;
}

/** Each Vitest project loads this file for itself, so what they share is kept where all copies of it look. */
const SHARING_KEY = Symbol.for('bunnydb.testkit.shared-servers');
const registry: Record<symbol, Sharing | undefined> = Object.assign(globalThis);

/** One PostgreSQL and one nats-server for the whole run; the last project that ends stops them. */
export async function setup(): Promise<() => Promise<void>> {
  const sharing = (registry[SHARING_KEY] ??= { users: 0, servers: startServers() });
  sharing.users += 1;
  await sharing.servers;
  return async () => {
    sharing.users -= 1;
    if (sharing.users > 0) return;
    registry[SHARING_KEY] = undefined;
    const { postgres, nats } = await sharing.servers;
    await Promise.all([postgres?.stop('immediate'), nats?.stop()]);
  };
}

async function startServers(): Promise<SharedServers> {
  const [postgres, nats] = await Promise.all([sharedPostgres(), sharedNats()]);
  return { postgres, nats };
}

async function sharedPostgres(): Promise<PostgresServer | undefined> {
  if (process.env[TEST_POSTGRES_URL] !== undefined) return undefined;
  const postgres = await startPostgres({
    version: 17,
    settings: {
      ...THROW_AWAY_SETTINGS,
      max_replication_slots: 200,
      max_wal_senders: 200,
      max_connections: 400,
      max_prepared_transactions: 10,
    },
  });
  process.env[TEST_POSTGRES_URL] = postgres.url;
  return postgres;
}

async function sharedNats(): Promise<NatsServer | undefined> {
  if (process.env[TEST_NATS_URL] !== undefined) return undefined;
  const nats = await startNats();
  process.env[TEST_NATS_URL] = nats.url;
  process.env[TEST_NATS_MONITOR_URL] = nats.monitorUrl;
  return nats;
}
