import { FAULT_POINTS } from '@bunnydb/failure';
import { type ServiceProgram, samePair } from '@bunnydb/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { DatabasePair } from '../src/database-pair.js';
import { LEDGER_PAIRS, createLedgerPair, runUnderLoad } from '../src/ledger-run.js';
import { startLedgerWriters } from '../src/ledger.js';
import type { MirrorFixture } from '../src/mirror-fixture.js';
import { type Stack, startStack } from '../src/stack.js';

/** Points that a streaming mirror passes again and again; the number is the hit that kills. */
const STREAMING_POINTS = [
  'capture.after_receive@30',
  'capture.after_publish@10',
  'capture.after_ack@10',
  'capture.before_confirm@3',
  'apply.after_receive@10',
  'apply.inside_transaction@10',
  'apply.after_commit@10',
  'apply.before_report@3',
] as const;

/** Points that only the start of a mirror passes. */
const STARTING_POINTS = [
  'capture.after_slot_created',
  'schema.between_tables',
  'schema.between_changes',
  'copy.after_snapshot',
  'copy.between_ranges@3',
  'copy.before_table_done@2',
  'control.after_append',
  'control.before_dispatch@2',
  'control.after_dispatch@2',
] as const;

/** Points that a table passes on its way back into the main lane. */
const LANE_POINTS = [
  'lane.after_snapshot',
  'lane.between_replays',
  'lane.before_swap',
  'lane.after_swap',
  'lane.before_join_commit',
  'lane.after_join_commit',
] as const;

function serviceOf(point: string): ServiceProgram {
  const prefix = point.slice(0, point.indexOf('.'));
  switch (prefix) {
    case 'capture':
    case 'apply':
    case 'schema':
    case 'control':
      return prefix;
    case 'copy':
    case 'lane':
      return 'apply';
    default:
      throw new Error(`no service has a fault point ${point}`);
  }
}

test('every named fault point has a test here', () => {
  const tested = [...STREAMING_POINTS, ...LANE_POINTS, ...STARTING_POINTS].map(
    (point) => point.split('@')[0],
  );
  expect(tested.sort()).toEqual([...FAULT_POINTS].sort());
});

describe('kill -9 at a fault point of a streaming mirror', () => {
  let stack: Stack;
  let pair: DatabasePair;
  let mirror: MirrorFixture;

  beforeAll(async () => {
    stack = await startStack('fault-points');
    pair = await createLedgerPair(stack);
    mirror = await pair.createMirror({ all_tables: true });
    await mirror.waitForStatus('running');
  });
  afterAll(() => stack?.stop());

  test.each(STREAMING_POINTS)('at %s loses nothing and applies nothing twice', async (point) => {
    const service = serviceOf(point);
    await runUnderLoad(pair, mirror, async () => {
      await stack.restart(service, { faultPoints: point });
      await stack.waitForKill(service);
      await stack.restart(service);
    });
  });
});

describe('kill -9 at a fault point of a table that is copied again', () => {
  let stack: Stack;
  let pair: DatabasePair;
  let mirror: MirrorFixture;

  beforeAll(async () => {
    stack = await startStack('fault-points-lanes');
    pair = await createLedgerPair(stack);
    mirror = await pair.createMirror({ all_tables: true });
    await mirror.waitForStatus('running');
  });
  afterAll(() => stack?.stop());

  test.each(LANE_POINTS)('at %s loses nothing and applies nothing twice', async (point) => {
    const kill = async (): Promise<void> => {
      await stack.restart('apply', { faultPoints: point });
      await mirror.waitForStatus('running');
      await stack.api.resyncTable(mirror.name, 'public.account', 'swap');
      await stack.waitForKill('apply');
      await stack.restart('apply');
      await mirror.waitForTable('public.account', 'running');
    };
    await runUnderLoad(pair, mirror, kill, { tableIsInLane: true });
  });
});

describe('kill -9 at a fault point of a starting mirror', () => {
  let stack: Stack;

  beforeAll(async () => {
    stack = await startStack('fault-points-start');
  });
  afterAll(() => stack?.stop());

  test.each(STARTING_POINTS)(
    'at %s the mirror still comes up, equal, while the source is written to',
    async (point) => {
      const service = serviceOf(point);
      const pair = await createLedgerPair(stack);
      await pair.source.query(`create table filler (id integer primary key, v text);
      insert into filler select i, repeat('f', 50) from generate_series(1, 20000) i`);
      await pair.destination.query('drop table movement');
      const writers = await startLedgerWriters({
        connectionString: pair.sourceUrl,
        sessions: 2,
        transactionsPerSecond: 20,
      });
      let mirror: MirrorFixture;
      try {
        await stack.restart(service, { faultPoints: point });
        // The gateway itself may be what dies: the answer to the request is lost then, but not the mirror.
        mirror = await pair.createMirror(
          { all_tables: true, snapshot_num_rows_per_partition: 2000 },
          { answerMayBeLost: service === 'control' },
        );
        await stack.waitForKill(service);
        await stack.restart(service);
        if (service === 'control') await mirror.ensureCreated();
        await mirror.waitForStatus('running');
        await mirror.waitForCatchUp();
      } finally {
        await writers.stop();
        // Whatever went wrong here must not go on in the next test.
        if (!stack.process(service).running) await stack.restart(service);
      }
      await mirror.waitForEqual([...LEDGER_PAIRS, samePair('public', 'filler')]);
      await mirror.remove();
    },
  );
});
