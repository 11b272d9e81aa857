import { type NatsCluster, startNatsCluster } from '@bunnydb/testkit';
import { jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { DatabasePair } from '../src/database-pair.js';
import { createLedgerPair, runUnderLoad } from '../src/ledger-run.js';
import type { MirrorFixture } from '../src/mirror-fixture.js';
import { type Stack, startStack } from '../src/stack.js';

describe('three nodes of NATS that keep every stream three times', () => {
  let cluster: NatsCluster;
  let stack: Stack;
  let pair: DatabasePair;
  let mirror: MirrorFixture;

  beforeAll(async () => {
    cluster = await startNatsCluster({ nodes: 3 });
    stack = await startStack('nats_cluster', {
      natsUrl: cluster.url,
      environment: { BUNNY_NATS_REPLICAS: '3' },
    });
    pair = await createLedgerPair(stack);
    mirror = await pair.createMirror({ all_tables: true });
    await mirror.waitForStatus('running');
  });
  afterAll(async () => {
    await stack?.stop();
    await cluster?.stop();
  });

  /** The node that leads each stream, and how many have a copy. */
  const streams = async () => {
    const nc = await connect({ servers: cluster.url.split(',') });
    try {
      const jsm = await jetstreamManager(nc);
      const found: { name: string; leader: string; copies: number }[] = [];
      for await (const { config, cluster: place } of jsm.streams.list()) {
        const copies = 1 + (place?.replicas?.length ?? 0);
        found.push({ name: config.name, leader: place?.leader ?? '', copies });
      }
      return found;
    } finally {
      await nc.close();
    }
  };

  test('losing the node that leads the change stream, and then another, loses nothing, and replication goes on', async () => {
    const before = await streams();
    expect(before.length).toBeGreaterThanOrEqual(5);
    expect(before.filter(({ copies }) => copies !== 3)).toEqual([]);
    let stalledMs = 0;
    await runUnderLoad(pair, mirror, async () => {
      for (const service of ['BUNNY_CDC_', 'KV_bunny_leases']) {
        const leader = (await streams()).find(({ name }) => name.startsWith(service))?.leader ?? '';
        await cluster.kill(leader);
        const killedAt = performance.now();
        await mirror.waitForCatchUp();
        stalledMs = Math.max(stalledMs, performance.now() - killedAt);
        await cluster.restart(leader);
      }
    });
    process.stdout.write(
      `a node of NATS lost: caught up after ${(stalledMs / 1000).toFixed(1)} s at most\n`,
    );
  });
});
