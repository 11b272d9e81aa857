import { setTimeout as delay } from 'node:timers/promises';
import type { ApiClient } from './api-client.js';
import { type startDemoDatabases } from './demo/demo-databases.js';
import { SHOP_TABLES } from './demo/shop-schema.js';
import { SHOP_TRIALS } from './demo/shop-trials.js';
import { ShopWriters } from './demo/shop-writers.js';
import { type MirrorWish, ensureMirror } from './ensure-mirror.js';
import { parseMirror } from './mirror-view.js';
import { type MirroredDatabases, nextSteps } from './next-steps.js';
import { countWords, durationWords, pluralWords } from './number-words.js';
import type { Plan } from './options.js';
import {
  type ComparedMirror,
  type Proof,
  compareWhileWritten,
  proveEquality,
} from './prove-equality.js';
import type { Launch } from './launch.js';
import { watchLive } from './watch-live.js';
import { watchUntilRunning } from './watch-copy.js';

const MIRROR_NAME = 'shop';
/** Databases of one's own are read in full only while that is cheap. */
const COMPARED_ROWS_MAX = 20_000_000;

const VERDICT_SIGNS = {
  equal: '✔',
  undecided: '≈',
  different: '✘',
} as const satisfies Record<Proof['verdict'], string>;

/** The demo: a shop under live writes and its mirror, compared after the first minute. */
export async function runDemo(
  launch: Launch,
  api: ApiClient,
  plan: Extract<Plan, { kind: 'demo' }>,
  databases: Awaited<ReturnType<typeof startDemoDatabases>>,
  signal: AbortSignal,
): Promise<void> {
  const writers = new ShopWriters(databases.sourceUrl, plan.transactionsPerSecond);
  if (plan.transactionsPerSecond > 0) {
    writers.start();
    launch.stopList.add('writers', () => writers.stop());
  }
  const firstMinute = delay(plan.proveAfterSeconds * 1000, undefined, { signal }).catch(
    () => undefined,
  );
  const wish: MirrorWish = {
    name: MIRROR_NAME,
    source: { name: 'shop-source', url: databases.sourceUrl },
    destination: { name: 'shop-destination', url: databases.destinationUrl },
    tables: SHOP_TABLES.map((table) => `public.${table}`),
    exclude: [],
    fix: false,
  };
  const mirrored: MirroredDatabases = {
    name: wish.name,
    ...databases,
    trials: SHOP_TRIALS,
  };
  await bringUp(launch, api, wish, mirrored, signal);
  const live = watchLive({
    api,
    name: wish.name,
    screen: launch.screen,
    signal,
    committed: () => writers.committed,
  });
  await firstMinute;
  if (!signal.aborted) {
    await tellProof(launch, async () => proveEquality(await comparedMirror(api, wish), writers));
  }
  await live;
}

/** A mirror of the user's own databases. */
export async function runOwn(
  launch: Launch,
  api: ApiClient,
  plan: Extract<Plan, { kind: 'own' }>,
  signal: AbortSignal,
): Promise<void> {
  const { name, source, destination, tables, exclude, fix } = plan;
  const wish: MirrorWish = {
    name,
    source: { name: `${name}-source`, url: source },
    destination: { name: `${name}-destination`, url: destination },
    tables,
    exclude,
    fix,
  };
  await bringUp(
    launch,
    api,
    wish,
    { name, sourceUrl: source, destinationUrl: destination },
    signal,
  );
  const live = watchLive({ api, name, screen: launch.screen, signal });
  const mirror = parseMirror(await api.get(`/v1/mirrors/${name}`));
  if (signal.aborted || mirror.snapshot.rowsTotal > COMPARED_ROWS_MAX) {
    launch.screen.say(
      `not compared: more than ${countWords(COMPARED_ROWS_MAX)} rows would have to be read`,
    );
  } else {
    await tellProof(launch, async () => compareWhileWritten(await comparedMirror(api, wish)));
  }
  await live;
}

/** Makes the mirror, shows its copy, and says what can be done now. */
async function bringUp(
  launch: Launch,
  api: ApiClient,
  wish: MirrorWish,
  mirrored: MirroredDatabases,
  signal: AbortSignal,
): Promise<void> {
  const { screen } = launch;
  await ensureMirror(api, wish, screen);
  const copied = await watchUntilRunning(api, wish.name, screen, signal);
  if (signal.aborted) return;
  if (copied !== undefined) {
    screen.say(
      `copied ${pluralWords(copied.rows, 'row')} of ${pluralWords(copied.tables, 'table')} in ${durationWords(copied.seconds)}`,
    );
  }
  screen.say(nextSteps(launch, mirrored));
}

async function comparedMirror(api: ApiClient, wish: MirrorWish): Promise<ComparedMirror> {
  const { tables } = parseMirror(await api.get(`/v1/mirrors/${wish.name}`));
  return {
    name: wish.name,
    sourceUrl: wish.source.url,
    destinationUrl: wish.destination.url,
    tables,
  };
}

/** A comparison that fails to run says so and lets the mirror go on; one that finds a difference makes the exit code 1. */
async function tellProof({ screen }: Launch, prove: () => Promise<Proof>): Promise<void> {
  screen.say('comparing every row of both sides …');
  try {
    const { verdict, words } = await prove();
    screen.say(`${VERDICT_SIGNS[verdict]} ${words}`);
    if (verdict === 'different') process.exitCode = 1;
  } catch (error) {
    screen.say(
      `! the comparison did not come to an end: ${error instanceof Error ? error.message : 'it failed'}`,
    );
    process.exitCode = 1;
  }
}
