import {
  type NatsServer,
  type PostgresServer,
  type PostgresVersion,
  startNats,
  startPostgres,
} from '@bunnydb/testkit';
import { quoteIdentifier } from '@bunnydb/pg-model';
import pg from 'pg';
import { type DatabaseAddress, addressUrl } from './drain-target.js';

/** Sessions of the bench itself carry this name, so that their CPU is not counted. */
export const BENCH_APPLICATION = 'bench';

/** Room for the WAL of a whole backlog, and no checkpoint or vacuum in the middle of a run. */
const SETTINGS = {
  shared_buffers: '1GB',
  max_wal_size: '32GB',
  checkpoint_timeout: '1h',
  autovacuum: 'off',
  max_replication_slots: 40,
  max_wal_senders: 40,
  max_logical_replication_workers: 16,
  max_worker_processes: 32,
  max_sync_workers_per_subscription: 4,
} as const;
const { max_sync_workers_per_subscription: syncWorkers, ...COMMON } = SETTINGS;

/** One PostgreSQL server of the bench. */
export class BenchServer {
  readonly #server: PostgresServer;

  constructor(server: PostgresServer) {
    this.#server = server;
  }

  address(database: string): DatabaseAddress {
    const { host, port, user } = this.#server;
    return { host, port, user, password: this.#server.password ?? '', database };
  }

  async connect(database: string): Promise<pg.Client> {
    const client = new pg.Client({
      connectionString: addressUrl(this.address(database)),
      application_name: BENCH_APPLICATION,
    });
    await client.connect();
    return client;
  }

  async withClient<T>(database: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
    const client = await this.connect(database);
    try {
      return await work(client);
    } finally {
      await client.end();
    }
  }

  /** A new database, empty or as its template. */
  async recreateDatabase(database: string, template = 'template0'): Promise<void> {
    await this.dropDatabase(database);
    await this.withClient('postgres', (client) =>
      client.query(
        `create database ${quoteIdentifier(database)} template ${quoteIdentifier(template)}`,
      ),
    );
  }

  async dropDatabase(database: string): Promise<void> {
    await this.withClient('postgres', (client) =>
      client.query(`drop database if exists ${quoteIdentifier(database)} with (force)`),
    );
  }

  async stop(): Promise<void> {
    await this.#server.stop('immediate');
  }
}

/** A source, a destination and a nats-server of the bench's own. */
export interface BenchServers {
  readonly source: BenchServer;
  readonly destination: BenchServer;
  readonly nats: NatsServer;
  stop(): Promise<void>;
}

export async function startBenchServers(version: PostgresVersion): Promise<BenchServers> {
  const source = await startPostgres({
    version,
    // Only the writing of the backlog gains by this; the destination keeps the default.
    settings: { ...COMMON, synchronous_commit: 'off' },
  });
  const destination = await startPostgres({
    version,
    settings: { ...COMMON, max_sync_workers_per_subscription: syncWorkers },
  });
  const nats = await startNats();
  return {
    source: new BenchServer(source),
    destination: new BenchServer(destination),
    nats,
    async stop() {
      await Promise.all([source.stop('immediate'), destination.stop('immediate'), nats.stop()]);
    },
  };
}
