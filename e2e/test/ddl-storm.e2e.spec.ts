import { type ServiceProgram, samePair, until } from '@bunnydb/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { DatabasePair } from '../src/database-pair.js';
import { DdlStorm, type DdlStormOptions, startStormWriter } from '../src/ddl-storm.js';
import { LEDGER_SCHEMA, LEDGER_SOURCE } from '../src/ledger.js';
import { runUnderLoad } from '../src/ledger-run.js';
import type { MirrorFixture } from '../src/mirror-fixture.js';
import { SeededRandom } from '../src/random.js';
import { type Stack, startStack } from '../src/stack.js';
import { STORM_SCHEMA, readStormTables } from '../src/storm-tables.js';

const SETTLE_MS = 120_000;
const STEPS = 100;

interface Diff {
  readonly in_sync: boolean;
  readonly changes: readonly { readonly kind: string; readonly object: string }[];
  readonly notes: readonly unknown[];
}

describe('a storm of DDL, mixed with writes', () => {
  let stack: Stack;

  beforeAll(async () => {
    stack = await startStack('ddl-storm', { environment: { BUNNY_SCHEMA_POLL_MS: '500' } });
  });
  afterAll(() => stack?.stop());

  async function createPair(): Promise<DatabasePair> {
    return await stack.createPair({ source: LEDGER_SCHEMA + LEDGER_SOURCE + STORM_SCHEMA });
  }

  async function diffOf(mirror: MirrorFixture): Promise<Diff> {
    return (await stack.api.call('GET', `/v1/mirrors/${mirror.name}/schema-diff`)).body as Diff;
  }

  /** Rages until so many steps are done; services die on the way. */
  async function rage(
    pair: DatabasePair,
    seed: number,
    steps: number,
    options: DdlStormOptions & { readonly kills?: readonly ServiceProgram[] },
  ): Promise<DdlStorm> {
    const { kills = [] } = options;
    const storm = new DdlStorm(await pair.connectSource(), new SeededRandom(seed), options);
    const writer = await startStormWriter(pair.sourceUrl, new SeededRandom(seed + 1));
    try {
      for (let step = 1; step <= steps; step += 1) {
        await storm.step();
        const victim = kills[Math.floor((step * (kills.length + 1)) / steps) - 1];
        const isTurn = victim && step % Math.floor(steps / (kills.length + 1)) === 0;
        if (!isTurn) continue;
        await stack.kill(victim);
        await stack.restart(victim);
      }
    } finally {
      await writer.stop();
    }
    return storm;
  }

  /** All tables of the source are in the mirror, stream, and are equal in content and structure. */
  async function settles(
    pair: DatabasePair,
    mirror: MirrorFixture,
    storm: DdlStorm,
  ): Promise<void> {
    const tables = await readStormTables(pair.source);
    let last = '';
    await until(
      async () => {
        const { tables: views = [], status, error_message: error } = await mirror.view();
        const waiting = tables.filter(
          ({ name }) =>
            views.find((view) => view.table_name === `storm.${name}`)?.status !== 'running',
        );
        const diff = waiting.length === 0 ? await diffOf(mirror) : undefined;
        const states = views.filter((view) => view.status !== 'running');
        last = JSON.stringify({
          status,
          error,
          waiting: waiting.map(({ name }) => name),
          states,
          diff,
        });
        return diff?.in_sync === true;
      },
      {
        timeoutMs: SETTLE_MS,
        intervalMs: 500,
        what: () => `the storm to settle: ${last}\n${storm.history.join('\n')}`,
      },
    );
    const pairs = tables.map(({ name }) => samePair('storm', name));
    try {
      await mirror.waitForEqual([...pairs, samePair('storm', 'anchor')]);
    } catch (error) {
      throw new Error(`after\n${storm.history.join('\n')}`, { cause: error });
    }
  }

  test.each([
    ['of columns, rules, keys and types', 20_240_817, { movesTables: false }],
    [
      'of all that and of tables that come, go and change their names',
      7_331,
      { movesTables: true },
    ],
    [
      'while services are killed',
      4_711,
      { movesTables: true, kills: ['schema', 'apply', 'capture'] as const },
    ],
  ])(
    '%s ends equal in content and structure, and the ledger is whole in every snapshot',
    async (_, seed, options) => {
      const pair = await createPair();
      const mirror = await pair.createMirror({ all_tables: true });
      await mirror.waitForStatus('running');
      let storm: DdlStorm | undefined;
      await runUnderLoad(
        pair,
        mirror,
        async () => {
          storm = await rage(pair, seed, STEPS, options);
        },
        { transactionsPerSecond: 10 },
      );
      expect(storm?.history.length).toBeGreaterThan(STEPS / 3);
      if (storm) await settles(pair, mirror, storm);
    },
  );
});
