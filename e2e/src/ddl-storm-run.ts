import { type ServiceProgram, samePair, until } from '@bunnydb/testkit';
import type { DatabasePair } from './database-pair.js';
import { DdlStorm, type DdlStormOptions, startStormWriter } from './ddl-storm.js';
import { LEDGER_SCHEMA, LEDGER_SOURCE } from './ledger.js';
import { runUnderLoad } from './ledger-run.js';
import type { MirrorFixture } from './mirror-fixture.js';
import { SeededRandom } from './random.js';
import type { Stack } from './stack.js';
import { STORM_SCHEMA, readStormTables } from './storm-tables.js';

const SETTLE_MS = 120_000;

export interface DdlStormRun extends DdlStormOptions {
  readonly seed: number;
  readonly steps: number;
  /** Services that die on the way, one after the other. */
  readonly kills?: readonly ServiceProgram[];
}

/**
 * Mirrors a new pair of databases, lets a storm of DDL rage at its source under writes, and waits until both sides are equal in content and structure. The ledger beside it has to be whole in
 * every snapshot. An error tells what was committed, in order. Returns how many transactions that were.
 */
export async function runDdlStorm(stack: Stack, run: DdlStormRun): Promise<number> {
  const pair = await stack.createPair({ source: LEDGER_SCHEMA + LEDGER_SOURCE + STORM_SCHEMA });
  const mirror = await pair.createMirror({ all_tables: true });
  await mirror.waitForStatus('running');
  const storm = new DdlStorm(await pair.connectSource(), new SeededRandom(run.seed), run);
  try {
    await runUnderLoad(pair, mirror, () => rage(stack, pair, storm, run), {
      transactionsPerSecond: 10,
    });
    await settle(stack, pair, mirror);
  } catch (error) {
    throw new Error(`the storm of seed ${run.seed}, after\n${storm.history.join('\n')}`, {
      cause: error,
    });
  }
  await mirror.remove();
  return storm.history.length;
}

async function rage(
  stack: Stack,
  pair: DatabasePair,
  storm: DdlStorm,
  { seed, steps, kills = [] }: DdlStormRun,
): Promise<void> {
  const writer = await startStormWriter(pair.sourceUrl, new SeededRandom(seed + 1));
  const stepsPerKill = Math.floor(steps / (kills.length + 1));
  try {
    for (let step = 1; step <= steps; step += 1) {
      await storm.step();
      const victim = step % stepsPerKill === 0 ? kills[step / stepsPerKill - 1] : undefined;
      if (victim === undefined) continue;
      await stack.kill(victim);
      await stack.restart(victim);
    }
  } finally {
    await writer.stop();
  }
}

interface Diff {
  readonly in_sync: boolean;
  readonly changes: readonly { readonly kind: string; readonly object: string }[];
  readonly notes: readonly unknown[];
}

/** All tables of the source are in the mirror, stream, and are equal in content and structure. */
async function settle(stack: Stack, pair: DatabasePair, mirror: MirrorFixture): Promise<void> {
  const names = (await readStormTables(pair.source)).map(({ name }) => name);
  let last = '';
  await until(
    async () => {
      const { tables: views = [], status, error_message: error } = await mirror.view();
      const running = new Set(
        views.flatMap((view) => (view.status === 'running' ? [view.table_name] : [])),
      );
      const waiting = names.filter((name) => !running.has(`storm.${name}`));
      const path = `/v1/mirrors/${mirror.name}/schema-diff`;
      const diff =
        waiting.length === 0 ? ((await stack.api.call('GET', path)).body as Diff) : undefined;
      const states = views.filter((view) => view.status !== 'running');
      last = JSON.stringify({ status, error, waiting, states, diff });
      return diff?.in_sync === true;
    },
    { timeoutMs: SETTLE_MS, intervalMs: 500, what: () => `the storm to settle: ${last}` },
  );
  await mirror.waitForEqual([...names, 'anchor'].map((name) => samePair('storm', name)));
}
