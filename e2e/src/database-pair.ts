import { type TestDatabase, createDatabase, until } from '@bunnydb/testkit';
import type pg from 'pg';
import type { ApiClient, MirrorWish } from './api-client.js';
import { MARK_SCHEMA, MARK_TABLE, MirrorFixture } from './mirror-fixture.js';
import { TcpProxy } from './tcp-proxy.js';

export interface PairOptions {
  /** SQL that runs in the new source database. */
  readonly source?: string;
  /** SQL that runs in the new destination database. */
  readonly destination?: string;
  readonly sourceEncoding?: string;
  readonly destinationEncoding?: string;
  /** Of both sides; by default the shared server of the test run. */
  readonly serverUrl?: string;
  /** Of one side, rather than `serverUrl`. */
  readonly sourceServerUrl?: string;
  readonly destinationServerUrl?: string;
  /** Puts a proxy between the services and either side. */
  readonly proxies?: boolean;
}

export interface PairProxies {
  readonly source: TcpProxy;
  readonly destination: TcpProxy;
}

export interface CreateMirrorOptions {
  /** The gateway may die after it took the request: then no answer is no failure. */
  readonly answerMayBeLost?: boolean;
}

/** A fresh source and a fresh destination database, their peers, and sessions to look at both. */
export class DatabasePair {
  readonly name: string;
  #clients: PairClients;
  readonly #api: ApiClient;
  readonly #sourceDatabase: TestDatabase;
  readonly #destinationDatabase: TestDatabase;
  readonly #proxies: PairProxies | null;
  readonly #extra: pg.Client[] = [];
  #mirrors = 0;

  private constructor(
    name: string,
    api: ApiClient,
    databases: { readonly source: TestDatabase; readonly destination: TestDatabase },
    clients: PairClients,
    proxies: PairProxies | null,
  ) {
    this.#proxies = proxies;
    this.name = name;
    this.#api = api;
    this.#sourceDatabase = databases.source;
    this.#destinationDatabase = databases.destination;
    this.#clients = clients;
  }

  static async create(name: string, api: ApiClient, options: PairOptions): Promise<DatabasePair> {
    const { serverUrl, sourceServerUrl = serverUrl, destinationServerUrl = serverUrl } = options;
    const source = await createDatabase(
      databaseOptions(name, sourceServerUrl, options.sourceEncoding),
    );
    const destination = await createDatabase(
      databaseOptions(name, destinationServerUrl, options.destinationEncoding),
    );
    const proxies =
      options.proxies === true
        ? {
            source: await TcpProxy.start(source.host, source.port),
            destination: await TcpProxy.start(destination.host, destination.port),
          }
        : null;
    await api.createPeer({
      name: `${name}_source`,
      ...connectionOf(source),
      ...(proxies === null ? {} : { port: proxies.source.port }),
    });
    await api.createPeer({
      name: `${name}_destination`,
      ...connectionOf(destination),
      ...(proxies === null ? {} : { port: proxies.destination.port }),
    });
    const clients = await connectBoth(source, destination);
    await Promise.all([clients.source.query(MARK_SCHEMA), clients.destination.query(MARK_SCHEMA)]);
    if (options.source !== undefined) await clients.source.query(options.source);
    if (options.destination !== undefined) await clients.destination.query(options.destination);
    return new DatabasePair(name, api, { source, destination }, clients, proxies);
  }

  get source(): pg.Client {
    return this.#clients.source;
  }

  get destination(): pg.Client {
    return this.#clients.destination;
  }

  /** A second session on the destination, for who looks while a test waits. */
  get observer(): pg.Client {
    return this.#clients.observer;
  }

  /** Makes the test's own sessions anew, as they are needed after a server was restarted. */
  async reconnect(): Promise<void> {
    const { source, destination, observer } = this.#clients;
    await Promise.allSettled([source, destination, observer].map((client) => client.end()));
    this.#clients = await connectBoth(this.#sourceDatabase, this.#destinationDatabase);
  }

  /** The proxies of a pair that was created with them. */
  get proxies(): PairProxies {
    if (this.#proxies === null) throw new Error('this pair has no proxies');
    return this.#proxies;
  }

  get sourceUrl(): string {
    return this.#sourceDatabase.url;
  }

  get destinationUrl(): string {
    return this.#destinationDatabase.url;
  }

  /** Creates a mirror between the two; it may not be running yet. */
  async createMirror(
    request: MirrorWish,
    options: CreateMirrorOptions = {},
  ): Promise<MirrorFixture> {
    const mirror = new MirrorFixture(
      {
        ...withMark(request),
        name: `${this.name}_m${(this.#mirrors += 1)}`,
        source_peer: `${this.name}_source`,
        destination_peer: `${this.name}_destination`,
      },
      this.#api,
      { session: () => this.source, url: this.sourceUrl },
      { session: () => this.destination, url: this.destinationUrl },
    );
    try {
      await mirror.create();
    } catch (error) {
      if (options.answerMayBeLost !== true) throw error;
    }
    return mirror;
  }

  /** Creates a mirror from this pair's destination to the destination of another one. */
  async createMirrorBehind(behind: DatabasePair, request: MirrorWish): Promise<MirrorFixture> {
    const mirror = new MirrorFixture(
      {
        ...withMark(request),
        name: `${behind.name}_behind`,
        source_peer: `${this.name}_destination`,
        destination_peer: `${behind.name}_destination`,
      },
      this.#api,
      { session: () => this.destination, url: this.destinationUrl },
      { session: () => behind.destination, url: behind.destinationUrl },
    );
    await mirror.create();
    return mirror;
  }

  /** One more session on the source. */
  async connectSource(): Promise<pg.Client> {
    const client = await this.#sourceDatabase.connect();
    this.#extra.push(client);
    return client;
  }

  /** Ends the server's side of the mirror's replication session, as a lost connection would. */
  async endReplicationOf(mirror: MirrorFixture): Promise<void> {
    const { slot_name: slot } = await mirror.view();
    await this.source.query(
      'select pg_terminate_backend(active_pid) from pg_replication_slots where slot_name = $1 and active_pid is not null',
      [slot],
    );
  }

  /** Ends every session at the destination but those of the test, as an administrator would. */
  async endSessionsAtDestination(): Promise<void> {
    await this.destination.query(
      `select pg_terminate_backend(pid) from pg_stat_activity
       where datname = current_database() and application_name <> 'testkit' and pid <> pg_backend_pid()`,
    );
  }

  /** Polls a condition of this pair. */
  async until(condition: () => Promise<boolean>, what: string | (() => string)): Promise<void> {
    await until(condition, { what, timeoutMs: 60_000 });
  }

  /** Ends the sessions and drops both databases, with all slots. */
  async drop(): Promise<void> {
    const clients = [this.source, this.destination, this.observer, ...this.#extra];
    await Promise.allSettled(clients.map((client) => client.end()));
    await Promise.all([this.#proxies?.source.stop(), this.#proxies?.destination.stop()]);
    await Promise.all([this.#sourceDatabase.drop(), this.#destinationDatabase.drop()]);
  }
}

interface PairClients {
  readonly source: pg.Client;
  readonly destination: pg.Client;
  readonly observer: pg.Client;
}

async function connectBoth(source: TestDatabase, destination: TestDatabase): Promise<PairClients> {
  return {
    source: await source.connect(),
    destination: await destination.connect(),
    observer: await destination.connect(),
  };
}

function withMark(request: MirrorWish): MirrorWish {
  return request.table_mappings === undefined
    ? request
    : { ...request, table_mappings: [...request.table_mappings, MARK_TABLE] };
}

function databaseOptions(
  prefix: string,
  serverUrl: string | undefined,
  encoding: string | undefined,
): Parameters<typeof createDatabase>[0] {
  return {
    prefix,
    ...(encoding === undefined ? {} : { encoding }),
    ...(serverUrl === undefined ? {} : { serverUrl }),
  };
}

function connectionOf(database: TestDatabase): Record<string, string | number> {
  return {
    host: database.host,
    port: database.port,
    user: database.user,
    ...(database.password === undefined ? {} : { password: database.password }),
    database: database.name,
    ssl_mode: 'disable',
  };
}
