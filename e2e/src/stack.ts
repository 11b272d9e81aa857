import { randomBytes } from 'node:crypto';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import {
  type ChildExit,
  type NatsOptions,
  type NatsServer,
  type ServiceProcess,
  type ServiceProgram,
  type SmallDisk,
  type TestDatabase,
  createDatabase,
  freePort,
  removeTemporaryFolder,
  repositoryRoot,
  startNats,
  startService,
  until,
  peakRssBytes,
} from '@bunnydb/testkit';
import { type JetStreamManager, jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { ApiClient } from './api-client.js';
import { DatabasePair, type PairOptions } from './database-pair.js';
import { type ProgramEnd, runProgram } from './run-program.js';

export const STACK_SERVICES = ['control', 'schema', 'capture', 'apply'] as const;

const ADMIN = { username: 'admin', password: 'e2e-admin-password' } as const;
/** Short, so that a take-over is part of a test and not a minute of it. */
const LEASE_TTL_MS = 1_500;
const READY_TIMEOUT_MS = 60_000;
const KILL_TIMEOUT_MS = 60_000;
const RSS_INTERVAL_MS = 250;
const LOG_LINES = 40;

export interface StackOptions {
  /** More environment for all services. */
  readonly environment?: Readonly<Record<string, string>>;
  /** More environment for single services. */
  readonly environmentOf?: (service: ServiceProgram) => Readonly<Record<string, string>>;
  /** More lines of nats-server's configuration. */
  readonly natsConfig?: string;
  /** A NATS of the test's own, which outlives the stack. */
  readonly natsUrl?: string;
  /** Where nats-server keeps its streams; the test removes it after the stack. */
  readonly natsDisk?: SmallDisk;
  /** How the test itself signs in there. */
  readonly natsLogin?: { readonly user: string; readonly pass: string };
  /** The PostgreSQL that holds catalog, sources and destinations; by default the shared one of the test run. */
  readonly postgresUrl?: string;
}

export interface RestartOptions {
  /** More environment for the new process. */
  readonly environment?: Readonly<Record<string, string>>;
  /** `BUNNY_FAULT_POINTS` of the new process. */
  readonly faultPoints?: string;
}

/** A whole BunnyDB: its own nats-server and catalog database, and the four services as processes. */
export async function startStack(name: string, options: StackOptions = {}): Promise<Stack> {
  const unique = `${name.replaceAll('-', '_')}_${randomBytes(3).toString('hex')}`;
  const catalog = await createDatabase({
    prefix: `${unique}_catalog`,
    ...(options.postgresUrl === undefined ? {} : { serverUrl: options.postgresUrl }),
  });
  const nats = options.natsUrl === undefined ? await startNats(natsOptionsOf(options)) : undefined;
  const stack = new Stack(unique, nats, catalog, await freePort(), options);
  try {
    await stack.startServices();
  } catch (error) {
    await stack.stop();
    throw error;
  }
  return stack;
}

async function changeStreamsOf(jsm: JetStreamManager): Promise<string[]> {
  const names: string[] = [];
  for await (const info of jsm.streams.list()) names.push(info.config.name);
  return names.filter((name) => name.startsWith('BUNNY_CDC_'));
}

function natsOptionsOf({ natsConfig, natsDisk }: StackOptions): NatsOptions {
  return {
    ...(natsConfig === undefined ? {} : { config: natsConfig }),
    ...(natsDisk === undefined ? {} : { disk: natsDisk }),
  };
}

export class Stack {
  readonly api: ApiClient;
  readonly natsUrl: string;
  readonly #name: string;
  #nats: NatsServer | undefined;
  readonly #catalog: TestDatabase;
  readonly #apiPort: number;
  readonly #options: StackOptions;
  readonly #secretKey = randomBytes(32).toString('hex');
  readonly #jwtSecret = randomBytes(32).toString('hex');
  readonly #processes = new Map<ServiceProgram, ServiceProcess>();
  readonly #everStarted: ServiceProcess[] = [];
  readonly #peakRss = new Map<ServiceProgram, number>();
  readonly #pairs: DatabasePair[] = [];
  #pairCount = 0;
  /** The services' logs stay here, for who looks into a failed test. */
  readonly #logFolder: string;
  readonly #rssTimer: NodeJS.Timeout;

  constructor(
    name: string,
    nats: NatsServer | undefined,
    catalog: TestDatabase,
    apiPort: number,
    options: StackOptions,
  ) {
    this.#name = name;
    this.#nats = nats;
    this.#catalog = catalog;
    this.#apiPort = apiPort;
    this.#options = options;
    this.#logFolder = join(repositoryRoot(), '.bunny', 'e2e-logs', name);
    mkdirSync(this.#logFolder, { recursive: true });
    this.natsUrl = nats?.url ?? options.natsUrl ?? '';
    this.api = new ApiClient(`http://127.0.0.1:${apiPort}`);
    this.#rssTimer = setInterval(() => this.#sampleRss(), RSS_INTERVAL_MS);
    this.#rssTimer.unref();
  }

  async startServices(): Promise<void> {
    for (const service of STACK_SERVICES) this.#start(service, {});
    await this.#waitForGateway();
    await this.api.login(ADMIN.username, ADMIN.password);
    await this.#waitForReady();
  }

  /** Two new databases, and their peers. */
  async createPair(options: PairOptions = {}): Promise<DatabasePair> {
    const name = `${this.#name}_${(this.#pairCount += 1)}`;
    const pair = await DatabasePair.create(name, this.api, {
      ...(this.#options.postgresUrl === undefined ? {} : { serverUrl: this.#options.postgresUrl }),
      ...options,
    });
    this.#pairs.push(pair);
    return pair;
  }

  process(service: ServiceProgram): ServiceProcess {
    const found = this.#processes.get(service);
    if (!found) throw new Error(`${service} was never started`);
    return found;
  }

  /** kill -9. */
  kill(service: ServiceProgram): Promise<ChildExit> {
    return this.process(service).kill();
  }

  /** Stops it as an operator would. */
  terminate(service: ServiceProgram): Promise<ChildExit> {
    return this.process(service).stop();
  }

  /** Ends the service if it runs, and starts it again. */
  async restart(service: ServiceProgram, options: RestartOptions = {}): Promise<void> {
    const old = this.process(service);
    if (old.running) await old.stop();
    this.#start(service, options);
    if (service === 'control') await this.#waitForGateway();
  }

  /** Kills NATS, as a crash of its machine would, and starts it again with what it had written, or with nothing at all. */
  async restartNats({ isEmpty = false } = {}): Promise<void> {
    if (this.#nats === undefined) throw new Error('the NATS of this stack is not its own');
    const { dataDir, port, monitorPort } = this.#nats;
    await this.#nats.kill();
    const { natsDisk } = this.#options;
    if (isEmpty) {
      if (natsDisk) natsDisk.clear();
      else rmSync(join(dataDir, 'store'), { recursive: true });
    }
    this.#nats = await startNats({ dataDir, port, monitorPort, ...natsOptionsOf(this.#options) });
  }

  /** One more instance of a service; one of control needs a gateway port of its own. */
  startExtra(service: ServiceProgram, options: RestartOptions = {}): ServiceProcess {
    return this.#spawn(service, options);
  }

  /** Waits until the service has killed itself at a fault point. */
  async waitForKill(service: ServiceProgram): Promise<void> {
    const process = this.process(service);
    await until(() => !process.running, {
      timeoutMs: KILL_TIMEOUT_MS,
      what: `${service} to reach its fault point`,
    });
    const exit = await process.exited;
    if (exit.signal !== 'SIGKILL') {
      throw new Error(`${service} ended with ${exit.signal ?? exit.code}, not at its fault point`);
    }
  }

  /** The database of control. */
  get catalog(): TestDatabase {
    return this.#catalog;
  }

  /** Runs a program of control's to its end, with the environment that control has and more. */
  runProgram(
    path: string,
    words: readonly string[],
    environment: Readonly<Record<string, string>> = {},
  ): Promise<ProgramEnd> {
    return runProgram(path, words, this.#environmentOf('control', 'program', { environment }));
  }

  /** Names of the change streams that exist. */
  changeStreams(): Promise<string[]> {
    return this.#withStreams(changeStreamsOf);
  }

  /** Deletes every change stream, as a careless person might. */
  deleteChangeStreams(): Promise<void> {
    return this.#withStreams(async (jsm) => {
      for (const name of await changeStreamsOf(jsm)) await jsm.streams.delete(name);
    });
  }

  async #withStreams<Value>(work: (jsm: JetStreamManager) => Promise<Value>): Promise<Value> {
    const nc = await connect({ servers: this.natsUrl.split(','), ...this.#options.natsLogin });
    try {
      return await work(await jetstreamManager(nc));
    } finally {
      await nc.close();
    }
  }

  /** Largest resident set of each service that was seen, over all processes it had. */
  peakRss(): ReadonlyMap<ServiceProgram, number> {
    this.#sampleRss();
    return this.#peakRss;
  }

  /** Every line that the processes of a service have written so far. */
  linesOf(service: ServiceProgram): readonly string[] {
    return this.#everStarted
      .filter((process) => process.name === service)
      .flatMap((process) => process.lines());
  }

  /** The last lines that the running services wrote. */
  log(): string {
    return [...this.#processes.values()]
      .map((process) => `--- ${process.name}\n${process.tail(LOG_LINES)}`)
      .join('\n');
  }

  async stop(): Promise<void> {
    clearInterval(this.#rssTimer);
    const running = this.#everStarted.filter((process) => process.running);
    await Promise.all(running.map((process) => process.kill()));
    if (this.#nats !== undefined) {
      await this.#nats.stop();
      removeTemporaryFolder(this.#nats.dataDir);
    }
    await Promise.all([...this.#pairs.map((pair) => pair.drop()), this.#catalog.drop()]);
  }

  #start(service: ServiceProgram, options: RestartOptions): void {
    this.#processes.set(service, this.#spawn(service, options));
  }

  #spawn(service: ServiceProgram, options: RestartOptions): ServiceProcess {
    const instance = `${service}-${this.#everStarted.length + 1}`;
    const environment = this.#environmentOf(service, instance, options);
    const logFile = join(this.#logFolder, `${instance}.log`);
    const process = startService(service, environment, { logFile });
    this.#everStarted.push(process);
    return process;
  }

  #environmentOf(
    service: ServiceProgram,
    instance: string,
    options: RestartOptions,
  ): Record<string, string> {
    return {
      NATS_URL: this.natsUrl,
      BUNNY_SECRET_KEY: this.#secretKey,
      BUNNY_INSTANCE: instance,
      BUNNY_LOG_LEVEL: 'info',
      BUNNY_LEASE_TTL_MS: String(LEASE_TTL_MS),
      ...(options.faultPoints === undefined ? {} : { BUNNY_FAULT_POINTS: options.faultPoints }),
      ...(service === 'control' ? this.#controlEnvironment() : {}),
      ...this.#options.environment,
      ...this.#options.environmentOf?.(service),
      ...options.environment,
    };
  }

  #controlEnvironment(): Record<string, string> {
    const catalog = this.#catalog;
    return {
      BUNNY_CATALOG_HOST: catalog.host,
      BUNNY_CATALOG_PORT: String(catalog.port),
      BUNNY_CATALOG_USER: catalog.user,
      ...(catalog.password === undefined ? {} : { BUNNY_CATALOG_PASSWORD: catalog.password }),
      BUNNY_CATALOG_DATABASE: catalog.name,
      BUNNY_JWT_SECRET: this.#jwtSecret,
      BUNNY_ADMIN_USER: ADMIN.username,
      BUNNY_ADMIN_PASSWORD: ADMIN.password,
      BUNNY_API_PORT: String(this.#apiPort),
    };
  }

  #waitForGateway(): Promise<unknown> {
    return until(() => this.#answers('/health'), {
      timeoutMs: READY_TIMEOUT_MS,
      what: () => `the gateway to answer\n${this.log()}`,
    });
  }

  #waitForReady(): Promise<unknown> {
    return until(() => this.#answers('/ready'), {
      timeoutMs: READY_TIMEOUT_MS,
      intervalMs: 100,
      what: () => `all services to be ready\n${this.log()}`,
    });
  }

  async #answers(path: string): Promise<boolean> {
    try {
      return (await this.api.call('GET', path)).status === 200;
    } catch {
      return false;
    }
  }

  #sampleRss(): void {
    for (const [service, process] of this.#processes) {
      if (!process.running) continue;
      const bytes = peakRssBytes(process.pid);
      this.#peakRss.set(service, Math.max(bytes, this.#peakRss.get(service) ?? 0));
    }
  }
}
