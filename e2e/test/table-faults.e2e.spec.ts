import { samePair } from '@bunnydb/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { DatabasePair } from '../src/database-pair.js';
import { askResync, waitForFreshCopy } from '../src/fresh-copy.js';
import { LEDGER_PAIRS, createLedgerPair } from '../src/ledger-run.js';
import { startLedgerWriters } from '../src/ledger.js';
import type { MirrorFixture } from '../src/mirror-fixture.js';
import { RestartableServer } from '../src/restartable-server.js';
import { watchSlot } from '../src/slot-watch.js';
import { type Stack, startStack } from '../src/stack.js';
import { putTables, waitForTables } from '../src/table-list.js';

const LEDGER = LEDGER_PAIRS.map(({ source }) => `${source.schema}.${source.table}`);
const MORE = `
create table more (id integer primary key, v text);
insert into more select i, repeat('m', 200) from generate_series(1, 30000) i;`;
/** A copy of these tables takes about this long. */
const COPY_MS = 800;

const FAULTS = [
  'the destination crashes',
  'NATS is killed',
  'capture is killed',
  'apply is killed',
  'the schema service is killed',
  'all of them go',
] as const;

describe('tables that join, are copied again and leave while something fails', () => {
  let stack: Stack;
  let server: RestartableServer;
  let pair: DatabasePair;
  let mirror: MirrorFixture;

  beforeAll(async () => {
    [stack, server] = await Promise.all([startStack('table-faults'), RestartableServer.start()]);
    pair = await createLedgerPair(stack, { destinationServerUrl: server.url });
    await pair.source.query(MORE);
    mirror = await pair.createMirror({ table_mappings: LEDGER });
    await mirror.waitForStatus('running');
  });
  afterAll(async () => {
    await stack?.stop();
    await server?.remove();
  });

  async function restartService(service: 'capture' | 'apply' | 'schema'): Promise<void> {
    await stack.kill(service);
    await stack.restart(service);
  }

  async function restartDestination(): Promise<void> {
    await server.restart('crash');
    await pair.reconnect();
  }

  const bring: Readonly<Record<(typeof FAULTS)[number], () => Promise<void>>> = {
    'the destination crashes': restartDestination,
    'NATS is killed': () => stack.restartNats(),
    'capture is killed': () => restartService('capture'),
    'apply is killed': () => restartService('apply'),
    'the schema service is killed': () => restartService('schema'),
    'all of them go': async () => {
      await Promise.all([
        restartDestination(),
        stack.restartNats(),
        restartService('capture'),
        restartService('apply'),
      ]);
    },
  };

  test.each(FAULTS)('%s: both sides end equal, with the same slot', async (name) => {
    const slotWatch = await watchSlot(pair, mirror);
    const writers = await startLedgerWriters({
      connectionString: pair.sourceUrl,
      sessions: 3,
      transactionsPerSecond: 30,
    });
    try {
      await putTables(stack, mirror, [...LEDGER, 'public.more']);
      const since = await askResync(stack, pair, mirror, {
        table: 'public.account',
        strategy: 'swap',
      });
      // Any moment of the copies will do: there is nothing to wait for.
      await new Promise((resolve) => setTimeout(resolve, Math.random() * COPY_MS));
      await bring[name]();
      await waitForTables(mirror, [...LEDGER, 'public.more']);
      await waitForFreshCopy(pair, mirror, since, ['public.account']);
    } finally {
      await writers.stop();
    }
    await mirror.waitForEqual([...LEDGER_PAIRS, samePair('public', 'more')]);
    await putTables(stack, mirror, LEDGER, { dropRemoved: true });
    await bring[name]();
    await waitForTables(mirror, LEDGER);
    await pair.until(async () => {
      const { rows } = await pair.destination.query(`select 1 where to_regclass('more') is null`);
      return rows.length > 0;
    }, 'the removed table to be dropped');
    await mirror.waitForEqual(LEDGER_PAIRS);
    expect((await slotWatch.stop()).breaks).toEqual([]);
  });
});
