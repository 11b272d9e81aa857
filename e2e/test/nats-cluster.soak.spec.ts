import { type PostgresServer, startPostgres } from '@bunnydb/testkit';
import { afterAll, beforeAll, describe, test } from 'vitest';
import { ClusteredLedger } from '../src/clustered-ledger.js';

const STREAMS = [
  'KV_bunny_leases',
  'KV_bunny_specs',
  'BUNNY_EVENTS',
  'BUNNY_COMMANDS',
  'BUNNY_CDC_',
];

describe('three nodes of NATS, lost again and again', () => {
  let postgres: PostgresServer;
  let ledger: ClusteredLedger;

  beforeAll(async () => {
    postgres = await startPostgres({ version: 17 });
    ledger = await ClusteredLedger.start('nats_cluster_soak', postgres.url);
  });
  afterAll(async () => {
    await ledger?.stop();
    await postgres?.stop('immediate');
  });

  test('lose nothing, whichever stream the lost node led', async () => {
    const stalledMs = await ledger.loseLeaders([...STREAMS, ...STREAMS.toReversed()]);
    process.stdout.write(
      `soak: ten nodes of NATS lost, one after another: caught up after ${(stalledMs / 1000).toFixed(1)} s at most\n`,
    );
  });
});
