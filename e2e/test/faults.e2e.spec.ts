import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { DatabasePair } from '../src/database-pair.js';
import { createLedgerPair, runUnderLoad } from '../src/ledger-run.js';
import type { MirrorFixture } from '../src/mirror-fixture.js';
import { STACK_SERVICES, type Stack, startStack } from '../src/stack.js';

/** Longer than the lease of a stack under test, so that a stopped holder loses it. */
const STOPPED_MS = 4_000;

describe('processes that die or stop under load', () => {
  let stack: Stack;
  let pair: DatabasePair;
  let mirror: MirrorFixture;

  beforeAll(async () => {
    stack = await startStack('faults');
    pair = await createLedgerPair(stack);
    mirror = await pair.createMirror({ all_tables: true });
    await mirror.waitForStatus('running');
  });
  afterAll(() => stack?.stop());

  test.each(['capture', 'apply', 'control', 'schema'] as const)(
    'kill -9 of %s, three times, loses nothing and applies nothing twice',
    async (service) => {
      await runUnderLoad(pair, mirror, async () => {
        for (let round = 0; round < 3; round += 1) {
          await stack.kill(service);
          await stack.restart(service);
          await mirror.waitForCatchUp();
        }
      });
    },
  );

  test('kill -9 of all services at once loses nothing and applies nothing twice', async () => {
    await runUnderLoad(pair, mirror, async () => {
      await Promise.all(STACK_SERVICES.map((service) => stack.kill(service)));
      await Promise.all(STACK_SERVICES.map((service) => stack.restart(service)));
    });
  });

  test.each(['capture', 'apply', 'control'] as const)(
    'SIGSTOP of %s beyond its lease, then SIGCONT, loses nothing and applies nothing twice',
    async (service) => {
      await runUnderLoad(pair, mirror, async () => {
        stack.process(service).suspend();
        // The lease has to lapse by the clock: there is nothing else to wait for.
        await new Promise((resolve) => setTimeout(resolve, STOPPED_MS));
        stack.process(service).resume();
      });
    },
  );

  test('SIGTERM of a service ends it cleanly, and the next one goes on', async () => {
    await runUnderLoad(pair, mirror, async () => {
      for (const service of ['capture', 'apply'] as const) {
        expect(await stack.terminate(service)).toEqual({ code: 0, signal: null });
        await stack.restart(service);
      }
    });
  });
});
