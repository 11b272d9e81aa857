import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ClusteredLedger } from '../src/clustered-ledger.js';

describe('three nodes of NATS that keep every stream three times', () => {
  let ledger: ClusteredLedger;

  beforeAll(async () => {
    ledger = await ClusteredLedger.start('nats_cluster');
  });
  afterAll(() => ledger?.stop());

  test('losing the node that leads the change stream loses nothing, and replication goes on', async () => {
    const streams = await ledger.streams();
    expect(streams.length).toBeGreaterThanOrEqual(5);
    expect(streams.filter(({ copies }) => copies !== 3)).toEqual([]);
    const stalledMs = await ledger.loseLeaders(['BUNNY_CDC_']);
    process.stdout.write(
      `a node of NATS lost: caught up after ${(stalledMs / 1000).toFixed(1)} s\n`,
    );
  });
});
