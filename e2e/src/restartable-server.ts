import { execFileSync } from 'node:child_process';
import { chmodSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import {
  type PostgresServer,
  type PostgresVersion,
  freePort,
  removeTemporaryFolder,
  startPostgres,
  temporaryFolder,
} from '@bunnydb/testkit';

export interface RestartableServerOptions {
  readonly version?: PostgresVersion;
  readonly settings?: Readonly<Record<string, string | number>>;
}

/** A PostgreSQL of a test's own that is stopped, crashed, replaced and started again at the same port. */
export class RestartableServer {
  readonly port: number;
  readonly #folder: string;
  readonly #options: RestartableServerOptions;
  #server: PostgresServer | undefined;

  private constructor(folder: string, port: number, options: RestartableServerOptions) {
    this.#folder = folder;
    this.port = port;
    this.#options = options;
  }

  static async start(options: RestartableServerOptions = {}): Promise<RestartableServer> {
    const folder = temporaryFolder('pg');
    // The server may run as another user, who has to get to its data folder.
    chmodSync(folder, 0o711);
    const server = new RestartableServer(folder, await freePort(), options);
    await server.start();
    return server;
  }

  get dataDir(): string {
    return join(this.#folder, 'data');
  }

  get url(): string {
    return `postgresql://postgres@127.0.0.1:${this.port}/postgres`;
  }

  async start(): Promise<void> {
    this.#server = await startPostgres({
      dataDir: this.dataDir,
      port: this.port,
      version: this.#options.version ?? 17,
      settings: { ...SETTINGS, ...this.#options.settings },
    });
  }

  /** Stops it, `fast` as an operator would, or as a crash of the server. */
  async stop(mode: 'fast' | 'crash' = 'fast'): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (mode === 'fast') await server?.stop('fast');
    else await server?.kill();
  }

  async restart(mode: 'fast' | 'crash' = 'fast'): Promise<void> {
    await this.stop(mode);
    await this.start();
  }

  /** Puts another stopped cluster in the place of this one, which is stopped too: the address stays. */
  replaceBy(dataDir: string): void {
    rmSync(this.dataDir, { recursive: true });
    execFileSync('cp', ['-a', dataDir, this.dataDir]);
  }

  async remove(): Promise<void> {
    await this.stop();
    removeTemporaryFolder(this.#folder);
  }
}

/** Nobody misses these clusters after a crash of the machine, but one of the server alone must lose nothing that was flushed. */
const SETTINGS: Readonly<Record<string, string | number>> = {
  fsync: 'off',
  max_prepared_transactions: 10,
  shared_buffers: '32MB',
};
