import { afterAll, beforeAll, describe, test } from 'vitest';
import type { DatabasePair } from '../src/database-pair.js';
import { createLedgerPair, runUnderLoad } from '../src/ledger-run.js';
import type { MirrorFixture } from '../src/mirror-fixture.js';
import { type Stack, startStack } from '../src/stack.js';

const ROUNDS = 3;

describe('connections that are lost under load', () => {
  let stack: Stack;
  let pair: DatabasePair;
  let mirror: MirrorFixture;

  beforeAll(async () => {
    stack = await startStack('connections');
    pair = await createLedgerPair(stack, { proxies: true });
    mirror = await pair.createMirror({ all_tables: true });
    await mirror.waitForStatus('running');
  });
  afterAll(() => stack?.stop());

  test('a commit that is carried out but whose answer is lost is neither lost nor applied twice', async () => {
    await runUnderLoad(pair, mirror, async () => {
      for (let round = 0; round < ROUNDS; round += 1) {
        await pair.proxies.destination.loseAnswers();
        await mirror.waitForCatchUp();
      }
    });
  });

  test('connections that are cut, to the source and to the destination, come back by themselves', async () => {
    await runUnderLoad(pair, mirror, async () => {
      for (let round = 0; round < ROUNDS; round += 1) {
        pair.proxies.source.cut();
        pair.proxies.destination.cut();
        await mirror.waitForCatchUp();
      }
    });
  });

  test('sessions that the servers end come back by themselves', async () => {
    await runUnderLoad(pair, mirror, async () => {
      await pair.endReplicationOf(mirror);
      await pair.endSessionsAtDestination();
      await mirror.waitForCatchUp();
    });
  });
});
