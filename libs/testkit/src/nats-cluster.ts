import { join } from 'node:path';
import { freePort } from './free-port.js';
import { type NatsServer, startNats } from './nats-server.js';
import { removeTemporaryFolder, temporaryFolder } from './temporary-folder.js';
import { until } from './until.js';

export interface NatsClusterOptions {
  readonly nodes: number;
  /** One folder per node below it, kept; without it temporary ones. */
  readonly dataDir?: string;
  /** Of the first node; the others get free ones. */
  readonly port?: number;
  /** Of the first node's monitoring. */
  readonly monitorPort?: number;
  /** More lines of each server's configuration. */
  readonly config?: string;
}

interface Place {
  readonly name: string;
  readonly dataDir: string;
  readonly port: number;
  readonly monitorPort: number;
  readonly routePort: number;
}

const READY_TIMEOUT_MS = 60_000;

/** Starts nats-servers that are one cluster, on the loopback interface, and waits until JetStream has a leader. */
export async function startNatsCluster(options: NatsClusterOptions): Promise<NatsCluster> {
  const temporary = options.dataDir === undefined ? temporaryFolder('nats') : undefined;
  const folder = options.dataDir ?? temporary ?? '';
  const places: Place[] = [];
  for (let node = 1; node <= options.nodes; node += 1) {
    const name = `n${node}`;
    places.push({
      name,
      dataDir: join(folder, name),
      port: (node === 1 ? options.port : undefined) ?? (await freePort()),
      monitorPort: (node === 1 ? options.monitorPort : undefined) ?? (await freePort()),
      routePort: await freePort(),
    });
  }
  const cluster = new NatsCluster(places, { config: options.config ?? '', temporary });
  try {
    await cluster.start();
  } catch (error) {
    await cluster.stop();
    throw error;
  }
  return cluster;
}

/** The nodes of a NATS cluster that this process owns. */
export class NatsCluster {
  readonly #places: readonly Place[];
  readonly #config: string;
  readonly #temporary: string | undefined;
  readonly #servers = new Map<string, NatsServer>();
  readonly #starting = new Set<Promise<void>>();

  constructor(
    places: readonly Place[],
    more: { readonly config: string; readonly temporary: string | undefined },
  ) {
    this.#places = places;
    this.#config = more.config;
    this.#temporary = more.temporary;
  }

  /** Every node, as NATS_URL takes them. */
  get url(): string {
    return this.#places.map(({ port }) => `nats://127.0.0.1:${port}`).join(',');
  }

  get names(): readonly string[] {
    return this.#places.map(({ name }) => name);
  }

  async start(): Promise<void> {
    // None is healthy before it has met the others.
    await Promise.all(this.#places.map((place) => this.#startNode(place)));
    await until(() => this.#hasLeader(), {
      timeoutMs: READY_TIMEOUT_MS,
      intervalMs: 100,
      what: 'the NATS cluster to choose a leader',
    });
  }

  /** Settles when the present process of a node has ended. */
  async exited(name: string): Promise<void> {
    await this.#serverOf(name).exited;
  }

  /** SIGKILL; its data stays for `restart`. */
  async kill(name: string): Promise<void> {
    await this.#serverOf(name).kill();
  }

  /** Starts a killed node again with what it had written. */
  async restart(name: string): Promise<void> {
    const place = this.#places.find((candidate) => candidate.name === name);
    if (place === undefined) throw new Error(`the cluster has no node ${name}`);
    await this.#startNode(place);
  }

  async stop(): Promise<void> {
    // Also a node that has not met the others yet is ours to end.
    await Promise.allSettled(this.#starting);
    await Promise.all([...this.#servers.values()].map((server) => server.stop()));
    if (this.#temporary !== undefined) removeTemporaryFolder(this.#temporary);
  }

  async #startNode(place: Place): Promise<void> {
    const starting = this.#launch(place);
    this.#starting.add(starting);
    try {
      await starting;
    } finally {
      this.#starting.delete(starting);
    }
  }

  async #launch(place: Place): Promise<void> {
    const { name, dataDir, port, monitorPort, routePort } = place;
    const routes = this.#places
      .map((other) => `nats-route://127.0.0.1:${other.routePort}`)
      .join(', ');
    const server = await startNats({
      ...{ dataDir, port, monitorPort },
      config: [
        `server_name: ${name}`,
        `cluster { name: bunny, listen: "127.0.0.1:${routePort}", routes: [${routes}] }`,
        this.#config,
      ].join('\n'),
      startTimeoutMs: READY_TIMEOUT_MS,
    });
    this.#servers.set(name, server);
  }

  #serverOf(name: string): NatsServer {
    const server = this.#servers.get(name);
    if (server === undefined) throw new Error(`the cluster has no node ${name}`);
    return server;
  }

  async #hasLeader(): Promise<boolean> {
    const [server] = this.#servers.values();
    try {
      const answer = await fetch(`${server?.monitorUrl ?? ''}/jsz`, {
        signal: AbortSignal.timeout(2_000),
      });
      const text = await answer.text();
      return /"leader":\s*"n\d+"/.test(text);
    } catch {
      return false;
    }
  }
}
