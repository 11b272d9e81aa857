import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runDdlStorm } from '../src/ddl-storm-run.js';
import { type Stack, startStack } from '../src/stack.js';

/** Few, to be short: `ddl-storm.soak.spec.ts` has more of them, from more seeds, and kills services meanwhile. */
const STEPS = 80;

describe('a storm of DDL, mixed with writes', () => {
  let stack: Stack;

  beforeAll(async () => {
    stack = await startStack('ddl-storm', { environment: { BUNNY_SCHEMA_POLL_MS: '500' } });
  });
  afterAll(() => stack?.stop());

  test.each([
    ['of columns, rules, keys and types', 20_240_817, { movesTables: false }],
    [
      'of all that and of tables that come, go and change their names',
      7_331,
      { movesTables: true },
    ],
  ])(
    '%s ends equal in content and structure, and the ledger is whole in every snapshot',
    async (_, seed, options) => {
      const committed = await runDdlStorm(stack, { seed, steps: STEPS, ...options });
      expect(committed).toBeGreaterThan(STEPS / 3);
    },
  );
});
