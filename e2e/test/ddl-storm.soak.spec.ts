import { type PostgresServer, startPostgres } from '@bunnydb/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runDdlStorm } from '../src/ddl-storm-run.js';
import { type Stack, startStack } from '../src/stack.js';

const STEPS = Number(process.env['BUNNY_STORM_STEPS'] ?? 200);
const SEEDS = (process.env['BUNNY_STORM_SEEDS'] ?? '1,2,3,4,5,6,7,8,9,10').split(',').map(Number);

/** What a storm of a seed does besides altering tables. */
const KINDS = [
  { movesTables: false },
  { movesTables: true },
  { movesTables: true, kills: ['schema', 'apply', 'capture'] },
] as const;

describe('storms of DDL, mixed with writes', () => {
  let postgres: PostgresServer;
  let stack: Stack;

  beforeAll(async () => {
    postgres = await startPostgres({ version: 17, settings: { max_connections: 400 } });
    stack = await startStack('ddl-storm', {
      postgresUrl: postgres.url,
      environment: { BUNNY_SCHEMA_POLL_MS: '500' },
    });
  });
  afterAll(async () => {
    await stack?.stop();
    await postgres?.stop('immediate');
  });

  test.each(SEEDS)('that of seed %i ends equal in content and structure', async (seed) => {
    for (const kind of KINDS) {
      const committed = await runDdlStorm(stack, { seed, steps: STEPS, ...kind });
      expect(committed).toBeGreaterThan(STEPS / 3);
    }
  });
});
