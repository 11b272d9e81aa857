import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type ChildExit, describeExit, endChild, exitOf } from './child-exit.js';
import { freePort, isPortFree } from './free-port.js';
import { endWithParent } from './guardian.js';
import { findNatsServer } from './nats-binary.js';
import { logTail, withLog } from './server-log.js';
import { removeTemporaryFolder, temporaryFolder } from './temporary-folder.js';
import { until } from './until.js';

export interface NatsOptions {
  /** JetStream's store; kept after `stop`. Without it, a temporary folder that `stop` removes. */
  readonly dataDir?: string;
  readonly port?: number;
  /** Of the HTTP monitoring endpoint; a free one if it is not given. */
  readonly monitorPort?: number;
  /** More lines of the server's configuration file. */
  readonly config?: string;
  readonly startTimeoutMs?: number;
}

const STOP_TIMEOUT_MS = 20_000;

/** Starts a real nats-server with JetStream on the loopback interface. */
export async function startNats(options: NatsOptions = {}): Promise<NatsServer> {
  const binary = await findNatsServer();
  const temporary = options.dataDir === undefined;
  const dataDir =
    options.dataDir === undefined ? temporaryFolder('nats') : resolve(options.dataDir);
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const port = options.port ?? (await freePort());
  const monitorPort = options.monitorPort ?? (await freePort());
  try {
    for (const wanted of [port, monitorPort]) {
      if (await isPortFree(wanted)) continue;
      throw new Error(
        `Port ${wanted}, wanted for nats-server, is in use: stop what listens there or choose another port.`,
      );
    }
    const child = spawnServer(binary, dataDir, { port, monitorPort, config: options.config ?? '' });
    const server = new NatsServer(child, { dataDir, port, monitorPort, temporary });
    await server.waitUntilReady(options.startTimeoutMs ?? 30_000);
    return server;
  } catch (error) {
    if (temporary) removeTemporaryFolder(dataDir);
    throw error;
  }
}

function spawnServer(
  binary: string,
  dataDir: string,
  options: { readonly port: number; readonly monitorPort: number; readonly config: string },
): ChildProcess {
  const configFile = join(dataDir, 'nats.conf');
  const lines = [
    `listen: "127.0.0.1:${options.port}"`,
    `http: "127.0.0.1:${options.monitorPort}"`,
    `jetstream { store_dir: ${JSON.stringify(join(dataDir, 'store'))} }`,
    options.config,
  ];
  writeFileSync(configFile, `${lines.join('\n')}\n`, { mode: 0o600 });
  return withLog(join(dataDir, 'server.log'), (log) => {
    const child = spawn(binary, ['-c', configFile], {
      cwd: dataDir,
      env: { PATH: process.env['PATH'] ?? '' },
      stdio: ['ignore', log, log],
      // A session of its own: Ctrl-C must reach us first, so that the servers stop in order.
      detached: true,
    });
    endWithParent(child, 'SIGTERM');
    return child;
  });
}

/** A running nats-server that this process owns. */
export class NatsServer {
  readonly dataDir: string;
  readonly port: number;
  readonly monitorPort: number;
  /** Settles when the server process has ended, for whatever reason. */
  readonly exited: Promise<ChildExit>;
  readonly #child: ChildProcess;
  readonly #temporary: boolean;
  #ended = false;

  constructor(
    child: ChildProcess,
    facts: {
      readonly dataDir: string;
      readonly port: number;
      readonly monitorPort: number;
      readonly temporary: boolean;
    },
  ) {
    this.#child = child;
    this.#temporary = facts.temporary;
    this.dataDir = facts.dataDir;
    this.port = facts.port;
    this.monitorPort = facts.monitorPort;
    this.exited = exitOf(child);
    void this.exited.then(() => (this.#ended = true));
  }

  get url(): string {
    return `nats://127.0.0.1:${this.port}`;
  }

  get monitorUrl(): string {
    return `http://127.0.0.1:${this.monitorPort}`;
  }

  get logFile(): string {
    return join(this.dataDir, 'server.log');
  }

  get processId(): number | undefined {
    return this.#child.pid;
  }

  /** Waits until JetStream has recovered its streams; fails at once, with the end of the log, when the server ends. */
  async waitUntilReady(timeoutMs: number): Promise<void> {
    try {
      await until(
        () => {
          if (this.#ended) throw new Error('it ended');
          return this.#isHealthy();
        },
        { timeoutMs, what: 'the health endpoint of nats-server' },
      );
    } catch (error) {
      const how = this.#ended ? describeExit(await this.exited) : 'no answer';
      const tail = logTail(this.logFile);
      await this.stop();
      throw new Error(
        `nats-server in ${this.dataDir} did not start (${how}). The end of its log:\n${tail}`,
        { cause: error },
      );
    }
  }

  async #isHealthy(): Promise<boolean> {
    try {
      const answer = await fetch(`${this.monitorUrl}/healthz`, {
        signal: AbortSignal.timeout(2_000),
      });
      return answer.ok;
    } catch {
      return false;
    }
  }

  async stop(): Promise<void> {
    await endChild(this.#child, this.exited, 'SIGTERM', STOP_TIMEOUT_MS);
    if (this.#temporary) removeTemporaryFolder(this.dataDir);
  }

  /** SIGKILL: what JetStream has not written is lost, as in a crash. The data folder stays. */
  async kill(): Promise<void> {
    await endChild(this.#child, this.exited, 'SIGKILL', STOP_TIMEOUT_MS);
  }
}
