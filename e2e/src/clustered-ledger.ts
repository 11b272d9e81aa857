import { type NatsCluster, startNatsCluster, until } from '@bunnydb/testkit';
import { jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import type { DatabasePair } from './database-pair.js';
import { createLedgerPair, runUnderLoad } from './ledger-run.js';
import type { MirrorFixture } from './mirror-fixture.js';
import { type Stack, startStack } from './stack.js';

export interface StreamPlace {
  readonly name: string;
  /** The node that leads it. */
  readonly leader: string;
  readonly copies: number;
}

/** A mirror of a ledger by a BunnyDB whose NATS has three nodes, each with every stream. */
export class ClusteredLedger {
  readonly #cluster: NatsCluster;
  readonly #stack: Stack;
  readonly #pair: DatabasePair;
  readonly #mirror: MirrorFixture;

  private constructor(
    cluster: NatsCluster,
    stack: Stack,
    pair: DatabasePair,
    mirror: MirrorFixture,
  ) {
    this.#cluster = cluster;
    this.#stack = stack;
    this.#pair = pair;
    this.#mirror = mirror;
  }

  /** `postgresUrl`: by default the shared server of the test run. */
  static async start(name: string, postgresUrl?: string): Promise<ClusteredLedger> {
    const cluster = await startNatsCluster({ nodes: 3 });
    const stack = await startStack(name, {
      natsUrl: cluster.url,
      ...(postgresUrl === undefined ? {} : { postgresUrl }),
      environment: { BUNNY_NATS_REPLICAS: '3' },
    });
    const pair = await createLedgerPair(stack);
    const mirror = await pair.createMirror({ all_tables: true });
    await mirror.waitForStatus('running');
    return new ClusteredLedger(cluster, stack, pair, mirror);
  }

  async streams(): Promise<readonly StreamPlace[]> {
    const nc = await connect({ servers: this.#cluster.url.split(',') });
    try {
      const jsm = await jetstreamManager(nc);
      const found: StreamPlace[] = [];
      for await (const { config, cluster: place } of jsm.streams.list()) {
        const copies = 1 + (place?.replicas?.length ?? 0);
        found.push({ name: config.name, leader: place?.leader ?? '', copies });
      }
      return found;
    } finally {
      await nc.close();
    }
  }

  /**
   * Kills the node that leads a stream, for one stream after another, while the ledger is written to; both sides are equal at the end.
   *
   * @returns how long it took at most until what was written was at the destination again.
   */
  async loseLeaders(streamPrefixes: readonly string[]): Promise<number> {
    let stalledMs = 0;
    await runUnderLoad(this.#pair, this.#mirror, async () => {
      for (const prefix of streamPrefixes) {
        const leader = await this.#leaderOf(prefix);
        await this.#cluster.kill(leader);
        const killedAt = performance.now();
        await this.#mirror.waitForCatchUp();
        stalledMs = Math.max(stalledMs, performance.now() - killedAt);
        await this.#cluster.restart(leader);
      }
    });
    return stalledMs;
  }

  /** The node that leads a stream. One without a leader is not listed: it is being chosen. */
  async #leaderOf(prefix: string): Promise<string> {
    let leader = '';
    await until(
      async () => {
        const stream = (await this.streams()).find(({ name }) => name.startsWith(prefix));
        leader = stream?.leader ?? '';
        return leader !== '';
      },
      { what: `stream ${prefix} to have a leader` },
    );
    return leader;
  }

  async stop(): Promise<void> {
    await this.#stack.stop();
    await this.#cluster.stop();
  }
}
