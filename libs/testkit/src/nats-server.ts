import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type ChildExit, endChild, exitOf } from './child-exit.js';
import { freePort, isPortFree } from './free-port.js';
import { endWithParent } from './guardian.js';
import { findNatsServer } from './nats-binary.js';
import { withLog } from './server-log.js';
import type { SmallDisk } from './small-disk.js';
import { removeTemporaryFolder, temporaryFolder } from './temporary-folder.js';
import { waitForServer } from './wait-for-server.js';

export interface NatsOptions {
  /** JetStream's store; kept after `stop`. Without it, a temporary folder that `stop` removes. */
  readonly dataDir?: string;
  readonly port?: number;
  /** Of the HTTP monitoring endpoint; a free one if it is not given. */
  readonly monitorPort?: number;
  /** More lines of the server's configuration file. */
  readonly config?: string;
  /** Where JetStream's store is instead of in `dataDir`. */
  readonly disk?: SmallDisk;
  readonly startTimeoutMs?: number;
}

/** As in production: the wish of a mirror of thousands of tables is one message. */
const MAX_PAYLOAD_BYTES = 8 * 1024 ** 2;
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
    const { config = '', disk } = options;
    const child = spawnServer(binary, dataDir, { port, monitorPort, config, disk });
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
  options: {
    readonly port: number;
    readonly monitorPort: number;
    readonly config: string;
    readonly disk: SmallDisk | undefined;
  },
): ChildProcess {
  const { disk } = options;
  const configFile = join(dataDir, 'nats.conf');
  const lines = [
    `listen: "127.0.0.1:${options.port}"`,
    `http: "127.0.0.1:${options.monitorPort}"`,
    `max_payload: ${MAX_PAYLOAD_BYTES}`,
    `jetstream { store_dir: ${JSON.stringify(join(disk?.folder ?? dataDir, 'store'))} }`,
    options.config,
  ];
  writeFileSync(configFile, `${lines.join('\n')}\n`, { mode: 0o600 });
  const words = ['-c', configFile];
  const [program, all] = disk?.command(binary, words) ?? [binary, words];
  return withLog(join(dataDir, 'server.log'), (log) => {
    const child = spawn(program, all, {
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

  /** Waits until JetStream has recovered its streams. */
  waitUntilReady(timeoutMs: number): Promise<void> {
    const server = {
      name: `nats-server in ${this.dataDir}`,
      logFile: this.logFile,
      exited: this.exited,
      answers: () => this.#isHealthy(),
      giveUp: () => this.stop(),
    };
    return waitForServer(server, timeoutMs);
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
