import { type ChildProcess, spawn } from 'node:child_process';
import { dirname, join, resolve } from 'node:path';
import pg from 'pg';
import { type ChildExit, endChild, exitOf } from './child-exit.js';
import { freePort, isPortFree } from './free-port.js';
import { endWithParent } from './guardian.js';
import { type PostgresVersion, findPostgres } from './postgres-binaries.js';
import { ensureCluster, serverEnvironment } from './postgres-cluster.js';
import { withLog } from './server-log.js';
import { removeTemporaryFolder, temporaryFolder } from './temporary-folder.js';
import { giveFolder, unprivilegedUser } from './unprivileged-user.js';
import { waitForServer } from './wait-for-server.js';

export interface PostgresOptions {
  readonly version?: PostgresVersion;
  /** Kept after `stop`; without it the cluster lives in a temporary folder that `stop` removes. */
  readonly dataDir?: string;
  readonly port?: number;
  /** Beyond `wal_level = logical` and what listens on the loopback interface only. */
  readonly settings?: Readonly<Record<string, string | number>>;
  /** Given: SCRAM authentication with this password of the superuser `postgres`; else everyone on this machine is trusted. */
  readonly password?: string;
  readonly startTimeoutMs?: number;
}

/** Settings for clusters whose data nobody will miss. */
export const THROW_AWAY_SETTINGS: Readonly<Record<string, string | number>> = {
  fsync: 'off',
  full_page_writes: 'off',
  synchronous_commit: 'off',
  autovacuum_naptime: '10s',
};

const DEFAULT_SETTINGS: Readonly<Record<string, string | number>> = {
  listen_addresses: '127.0.0.1',
  // Sockets would need a folder with a short name that the server's user may write; TCP on the loopback does for everything.
  unix_socket_directories: '',
  wal_level: 'logical',
  max_replication_slots: 50,
  max_wal_senders: 50,
  shared_buffers: '128MB',
  log_min_messages: 'warning',
};

const STOP_TIMEOUT_MS = 30_000;

/** Makes a cluster if there is none in `dataDir`, and starts a real PostgreSQL on it. */
export async function startPostgres(options: PostgresOptions = {}): Promise<PostgresServer> {
  const version = options.version ?? 17;
  const temporary = options.dataDir === undefined;
  const dataDir = options.dataDir === undefined ? temporaryDataDir() : resolve(options.dataDir);
  const port = options.port ?? (await freePort());
  if (!(await isPortFree(port))) {
    throw new Error(
      `Port ${port}, wanted for PostgreSQL, is in use: stop what listens there or choose another port.`,
    );
  }
  try {
    await ensureCluster(version, dataDir, options.password);
    const child = spawnServer(version, dataDir, { ...options, port });
    const server = new PostgresServer(child, {
      version,
      dataDir,
      port,
      temporary,
      password: options.password,
    });
    await server.waitUntilReady(options.startTimeoutMs ?? 60_000);
    return server;
  } catch (error) {
    if (temporary) removeTemporaryFolder(dirname(dataDir));
    throw error;
  }
}

function temporaryDataDir(): string {
  const folder = temporaryFolder('pg');
  giveFolder(unprivilegedUser(), folder);
  return join(folder, 'data');
}

function spawnServer(
  version: PostgresVersion,
  dataDir: string,
  options: PostgresOptions & { readonly port: number },
): ChildProcess {
  const settings = { ...DEFAULT_SETTINGS, ...options.settings, port: options.port };
  const settingArguments = Object.entries(settings).flatMap(([name, value]) => [
    '-c',
    `${name}=${value}`,
  ]);
  return withLog(join(dataDir, 'server.log'), (log) => {
    const child = spawn(
      join(findPostgres(version), 'postgres'),
      ['-D', dataDir, ...settingArguments],
      {
        ...unprivilegedUser(),
        cwd: dataDir,
        env: serverEnvironment(),
        stdio: ['ignore', log, log],
        // A session of its own: Ctrl-C must reach us first, so that the servers stop in order.
        detached: true,
      },
    );
    endWithParent(child, 'SIGINT');
    return child;
  });
}

interface ServerFacts {
  readonly version: PostgresVersion;
  readonly dataDir: string;
  readonly port: number;
  readonly temporary: boolean;
  readonly password: string | undefined;
}

/** A running cluster that this process owns. */
export class PostgresServer {
  readonly version: PostgresVersion;
  readonly dataDir: string;
  readonly host = '127.0.0.1';
  readonly port: number;
  readonly user = 'postgres';
  readonly password: string | undefined;
  /** Settles when the server process has ended, for whatever reason. */
  readonly exited: Promise<ChildExit>;
  readonly #child: ChildProcess;
  readonly #temporary: boolean;

  constructor(child: ChildProcess, facts: ServerFacts) {
    this.#child = child;
    this.#temporary = facts.temporary;
    this.version = facts.version;
    this.dataDir = facts.dataDir;
    this.port = facts.port;
    this.password = facts.password;
    this.exited = exitOf(child);
  }

  get url(): string {
    return this.urlOf('postgres');
  }

  /** A connection URL to one of its databases, as the superuser. */
  urlOf(database: string): string {
    const secret = this.password === undefined ? '' : `:${encodeURIComponent(this.password)}`;
    return `postgresql://${this.user}${secret}@${this.host}:${this.port}/${encodeURIComponent(database)}`;
  }

  get logFile(): string {
    return join(this.dataDir, 'server.log');
  }

  get processId(): number | undefined {
    return this.#child.pid;
  }

  /** Connects until it works. */
  waitUntilReady(timeoutMs: number): Promise<void> {
    const server = {
      name: `PostgreSQL ${this.version} in ${this.dataDir}`,
      logFile: this.logFile,
      exited: this.exited,
      answers: () => this.#answers(),
      giveUp: () => this.stop('immediate'),
    };
    return waitForServer(server, timeoutMs);
  }

  async #answers(): Promise<boolean> {
    const client = new pg.Client({ connectionString: this.url, connectionTimeoutMillis: 5_000 });
    client.on('error', () => undefined);
    try {
      await client.connect();
      await client.query('select 1');
      return true;
    } catch {
      return false;
    } finally {
      await client.end().catch(() => undefined);
    }
  }

  /** Stops it: `fast` ends sessions and writes a checkpoint, `immediate` does not (the next start recovers). */
  async stop(mode: 'fast' | 'immediate' = 'fast'): Promise<void> {
    await endChild(
      this.#child,
      this.exited,
      mode === 'fast' ? 'SIGINT' : 'SIGQUIT',
      STOP_TIMEOUT_MS,
    );
    if (this.#temporary) removeTemporaryFolder(dirname(this.dataDir));
  }

  /** As a crash of the machine: no session is ended properly and nothing is written. The data folder stays. */
  async kill(): Promise<void> {
    await endChild(this.#child, this.exited, 'SIGQUIT', STOP_TIMEOUT_MS);
  }
}
