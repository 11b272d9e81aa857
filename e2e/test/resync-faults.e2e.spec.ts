import { samePair, until } from '@bunnydb/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { DatabasePair } from '../src/database-pair.js';
import { type ResyncWish, askResync, waitForFreshCopy } from '../src/fresh-copy.js';
import { LEDGER_PAIRS, createLedgerPair } from '../src/ledger-run.js';
import { startLedgerWriters } from '../src/ledger.js';
import type { MirrorFixture } from '../src/mirror-fixture.js';
import { remainsOf } from '../src/remains.js';
import { watchSlot } from '../src/slot-watch.js';
import { type Stack, startStack } from '../src/stack.js';

const STRATEGIES = ['truncate', 'swap'] as const;
const SERVICES = ['apply', 'capture', 'control'] as const;
const MOMENTS = SERVICES.flatMap((service) =>
  STRATEGIES.map((strategy) => [service, strategy] as const),
);
/** A resync of these tables takes about this long, so that a kill within it may hit any of its steps. */
const RESYNC_MS = 1_200;
/** The ledger has no large table: this one keeps the copy busy. */
const FILLER = `create table filler (id integer primary key, v text, n integer not null default 0);`;
const FILLER_ROWS = `insert into filler (id, v) select i, repeat('f', 200) from generate_series(1, 40000) i;`;

/** Points of a copy in place; those of a swap, and of the join, are tested with all other fault points. */
const POINTS = ['lane.after_snapshot', 'lane.between_replays'] as const;

describe('a resync under writes, with kill -9 or a pause in it', () => {
  let stack: Stack;
  let pair: DatabasePair;
  let mirror: MirrorFixture;
  const pairs = [...LEDGER_PAIRS, samePair('public', 'filler')];

  beforeAll(async () => {
    stack = await startStack('resync-faults');
    pair = await createLedgerPair(stack);
    await pair.source.query(FILLER + FILLER_ROWS);
    await pair.destination.query(FILLER);
    mirror = await pair.createMirror({ all_tables: true });
    await mirror.waitForStatus('running');
  });
  afterAll(() => stack?.stop());

  /** Asks for a resync under writes, lets the fault happen, and demands equality and the same slot. */
  async function survive(wish: ResyncWish, fault: () => Promise<void>): Promise<void> {
    const slotWatch = await watchSlot(pair, mirror);
    const writers = await startLedgerWriters({
      connectionString: pair.sourceUrl,
      sessions: 3,
      transactionsPerSecond: 30,
    });
    try {
      const since = await askResync(stack, pair, mirror, wish);
      await fault();
      const tables = wish.table === undefined ? undefined : [wish.table];
      await waitForFreshCopy(pair, mirror, since, tables);
      // What a killed worker never told is found out; until then the resync seems to go on, and another one is refused.
      await mirror.waitForStatus('running');
    } finally {
      await writers.stop();
    }
    const { breaks } = await slotWatch.stop();
    expect(breaks).toEqual([]);
    await mirror.waitForEqual(pairs);
  }

  test.each(POINTS)('of apply at %s of a resync by truncate ends equal', async (point) => {
    await stack.restart('apply', { faultPoints: point });
    await survive({ table: 'public.account', strategy: 'truncate' }, async () => {
      await stack.waitForKill('apply');
      await stack.restart('apply');
    });
  });

  test.each(MOMENTS)(
    'of %s at any moment of a resync by %s ends equal',
    async (service, strategy) => {
      await survive({ table: 'public.filler', strategy }, async () => {
        await waitForAnyMoment();
        await stack.kill(service);
        await stack.restart(service);
      });
    },
  );

  test.each(STRATEGIES)(
    'a pause and a resume at any moment of a full resync by %s end equal',
    async (strategy) => {
      await survive({ strategy }, async () => {
        await waitForAnyMoment();
        await stack.api.pause(mirror.name);
        await mirror.waitForStatus('paused');
        await stack.api.resume(mirror.name);
      });
    },
  );

  test.each(STRATEGIES)('of all three in a full resync by %s ends equal', async (strategy) => {
    await survive({ strategy }, async () => {
      for (const service of SERVICES) {
        await waitForAnyMoment();
        await stack.kill(service);
        await stack.restart(service);
      }
    });
  });

  test('a delete at any moment of a full resync leaves nothing at the source, the destination and in NATS', async () => {
    await askResync(stack, pair, mirror, { strategy: 'truncate' });
    await waitForAnyMoment();
    await mirror.remove();
    let remains: readonly string[] = [];
    await until(async () => (remains = await remainsOf(pair, stack.natsUrl)).length === 0, {
      timeoutMs: 15_000,
      what: () => `nothing to be left: ${remains.join(', ')}`,
    });
  });
});

async function waitForAnyMoment(): Promise<void> {
  // There is nothing to wait for: time must pass, so that the kill hits whatever is under way.
  await new Promise((resolve) => setTimeout(resolve, Math.random() * RESYNC_MS));
}
