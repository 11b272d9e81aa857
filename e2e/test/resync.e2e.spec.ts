import { samePair, until } from '@bunnydb/testkit';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { DatabasePair } from '../src/database-pair.js';
import { type ResyncWish, copyAgain } from '../src/fresh-copy.js';
import type { MirrorFixture } from '../src/mirror-fixture.js';
import { PGBENCH_SCHEMA, PGBENCH_TABLES, pgbenchRows, startPgbench } from '../src/pgbench.js';
import { PULSE_ROWS, PULSE_SCHEMA, Pulse } from '../src/pulse.js';
import { type SlotHistory, watchSlot } from '../src/slot-watch.js';
import { type Stack, startStack } from '../src/stack.js';
import { startWatch } from '../src/watch.js';

const SCALE = 1;
const ACCOUNTS = 100_000 * SCALE;
const CLIENTS = 4;
const BASELINE_SAMPLES = 20;
/** Idle progress alone would come every ten seconds. */
const IDLE_RESYNC_MS = 5_000;

const TABLES = [...PGBENCH_TABLES, 'pulse'].map((table) => samePair('public', table));

describe('resync while the mirror runs', () => {
  let stack: Stack;
  let pair: DatabasePair;
  let mirror: MirrorFixture;

  beforeAll(async () => {
    stack = await startStack('resync');
    pair = await stack.createPair({
      source: PGBENCH_SCHEMA + PULSE_SCHEMA + pgbenchRows(SCALE) + PULSE_ROWS,
      destination: PGBENCH_SCHEMA + PULSE_SCHEMA,
    });
    mirror = await pair.createMirror({ all_tables: true });
    await mirror.waitForStatus('running');
  });
  afterAll(() => stack?.stop());

  const open: { stop(): Promise<unknown> }[] = [];
  afterEach(async () => {
    for (const watch of open.splice(0)) await watch.stop().catch(() => undefined);
  });

  /** Runs a resync under pgbench; tells how the lag of the other tables and the slot took it. */
  async function underLoad(resync: () => Promise<unknown>): Promise<{
    readonly before: number;
    readonly during: number;
    readonly slot: SlotHistory;
  }> {
    const load = startPgbench(pair.sourceUrl, { clients: CLIENTS, scale: SCALE });
    const pulse = await Pulse.start(pair);
    const slotWatch = await watchSlot(pair, mirror);
    open.push(load, pulse, slotWatch);
    await until(() => pulse.count >= BASELINE_SAMPLES, { what: 'a baseline of the lag' });
    const before = pulse.worstSince(0);
    const from = pulse.count;
    await resync();
    const during = pulse.worstSince(from);
    await load.stop();
    await pulse.stop();
    const slot = await slotWatch.stop();
    return { before, during, slot };
  }

  async function expectCurrent(wish: ResyncWish): Promise<void> {
    const { before, during, slot } = await underLoad(() => copyAgain(stack, pair, mirror, wish));
    expect(during).toBeLessThan(5 * before + 1);
    expect(slot.breaks).toEqual([]);
    expect(slot.samples).toBeGreaterThan(10);
    await mirror.waitForEqual(TABLES);
  }

  test('by swap is refused with all that depends on a table, which streams on, as do the others', async () => {
    await pair.destination.query('create view rich as select from pgbench_accounts');
    for (const table of ['', '/public.pgbench_accounts']) {
      const path = `/v1/mirrors/${mirror.name}/resync${table}`;
      const answer = await stack.api.call('POST', path, { strategy: 'swap' });
      expect(answer.status).toBe(422);
      expect(answer.body).toMatchObject({
        detail: expect.stringContaining(
          'public.pgbench_accounts cannot be swapped: view public.rich',
        ),
      });
    }
    await pair.source.query('update pgbench_accounts set abalance = 7 where aid = 1');
    await mirror.waitForEqual(TABLES);
    await pair.destination.query('drop view rich');
  });

  test.each(['truncate', 'swap'] as const)(
    'of a small table by %s is done within moments on an idle mirror',
    async (strategy) => {
      const wish = { table: 'public.pgbench_branches', strategy };
      expect(await copyAgain(stack, pair, mirror, wish)).toBeLessThan(IDLE_RESYNC_MS);
    },
  );

  test('of one table by truncate keeps the other tables current, the slot, and every row', async () => {
    await expectCurrent({ table: 'public.pgbench_accounts', strategy: 'truncate' });
  });

  test('of one table by swap does so too, and no reader of the table ever sees it empty or half full', async () => {
    const counts = new Set<number>();
    let looks = 0;
    const reader = await startWatch(pair.destinationUrl, 0, async (client) => {
      const { rows } = await client.query<{ count: string }>(
        'select count(*) from pgbench_accounts',
      );
      counts.add(Number(rows[0]?.count));
      looks += 1;
    });
    open.push(reader);
    await expectCurrent({ table: 'public.pgbench_accounts', strategy: 'swap' });
    await reader.stop();
    expect([...counts]).toEqual([ACCOUNTS]);
    expect(looks).toBeGreaterThan(10);
  });

  test.each(['truncate', 'swap'] as const)(
    'of every table by %s under load ends equal, with the same slot',
    async (strategy) => {
      const { slot } = await underLoad(() => copyAgain(stack, pair, mirror, { strategy }));
      expect(slot.breaks).toEqual([]);
      await mirror.waitForStatus('running');
      await mirror.waitForEqual(TABLES);
    },
  );
});
