import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { DatabasePair } from '../src/database-pair.js';
import { publishStray, republishLastBatch } from '../src/change-stream-copy.js';
import { createLedgerPair, runUnderLoad } from '../src/ledger-run.js';
import type { MirrorFixture } from '../src/mirror-fixture.js';
import { type Stack, startStack } from '../src/stack.js';

describe('two of what must be one', () => {
  let stack: Stack;
  let pair: DatabasePair;
  let mirror: MirrorFixture;

  beforeAll(async () => {
    stack = await startStack('zombies');
    pair = await createLedgerPair(stack);
    mirror = await pair.createMirror({ all_tables: true });
    await mirror.waitForStatus('running');
  });
  afterAll(() => stack?.stop());

  test.each(['capture', 'apply'] as const)(
    'a %s that was stopped while another took its mirror over is fenced off when it wakes',
    async (service) => {
      await runUnderLoad(pair, mirror, async () => {
        stack.process(service).suspend();
        const second = stack.startExtra(service);
        // The second one takes over when the lease of the stopped one has lapsed; the server must end the old walsender first.
        await pair.endReplicationOf(mirror);
        await mirror.waitForCatchUp();
        stack.process(service).resume();
        await mirror.waitForCatchUp();
        await second.kill();
        await mirror.waitForCatchUp();
      });
    },
  );

  test('two instances of each service share a mirror without harm, whichever dies', async () => {
    await runUnderLoad(pair, mirror, async () => {
      const extras = [stack.startExtra('capture'), stack.startExtra('apply')];
      await mirror.waitForCatchUp();
      await stack.kill('capture');
      await stack.kill('apply');
      await mirror.waitForCatchUp();
      await stack.restart('capture');
      await stack.restart('apply');
      await Promise.all(extras.map((extra) => extra.kill()));
    });
  });

  test('a batch that is published again, outside of any dedupe window, is not applied again', async () => {
    await runUnderLoad(pair, mirror, async () => {
      for (let round = 0; round < 3; round += 1) {
        const messages = await republishLastBatch(stack.natsUrl, mirror.name);
        expect(messages).toBeGreaterThan(1);
        await mirror.waitForCatchUp();
      }
    });
  });

  test('a message that capture did not write is passed over', async () => {
    await runUnderLoad(pair, mirror, async () => {
      await publishStray(stack.natsUrl, mirror.name);
      await mirror.waitForCatchUp();
    });
  });
});
