import { type PostgresServer, startPostgres, type ComparedTable, samePair } from '@bunnydb/testkit';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createLedgerPair, LEDGER_PAIRS } from '../src/ledger-run.js';
import { startLedgerWriters } from '../src/ledger.js';
import { PGBENCH_SCHEMA, PGBENCH_TABLES, pgbenchRows, runPgbench } from '../src/pgbench.js';
import { type Stack, startStack } from '../src/stack.js';

const MIB = 1024 * 1024;
const RSS_BYTES_MAX = 300 * MIB;
const CATCH_UP_MS = 1_800_000;

/** Full sizes, on a server with its usual settings: what is too long for every run of the tests. */
describe('full sizes', () => {
  let postgres: PostgresServer;
  let stack: Stack;

  beforeAll(async () => {
    postgres = await startPostgres({
      version: 17,
      settings: { shared_buffers: '512MB', max_wal_size: '8GB', max_connections: 200 },
    });
  });
  afterAll(() => postgres?.stop('immediate'));
  beforeEach(async () => {
    stack = await startStack('soak', { postgresUrl: postgres.url });
  });
  afterEach(() => stack?.stop());

  const report = (what: string, start: number): void => {
    const rss = [...stack.peakRss()]
      .map(([service, bytes]) => `${service} ${Math.round(bytes / MIB)} MiB`)
      .join(', ');
    process.stdout.write(
      `soak: ${what}: ${((performance.now() - start) / 1000).toFixed(1)} s; peak RSS ${rss}\n`,
    );
  };
  const expectBoundedMemory = (): void => {
    for (const service of ['capture', 'apply'] as const) {
      expect(stack.peakRss().get(service), service).toBeLessThan(RSS_BYTES_MAX);
    }
  };

  test('a transaction of 10 million rows arrives as one, in bounded memory', async () => {
    const pair = await stack.createPair({
      source: 'create table big (id bigint primary key, v text)',
    });
    const mirror = await pair.createMirror({ all_tables: true });
    await mirror.waitForStatus('running');
    await pair.source.query(
      `insert into big select i, 'value ' || i from generate_series(1, 10000000) i`,
    );
    const start = performance.now();
    await mirror.waitForEqual([samePair('public', 'big')], CATCH_UP_MS);
    report('one transaction of 10 M rows', start);
    expectBoundedMemory();
  });

  test('100 000 tiny transactions arrive, none lost and none twice', async () => {
    const pair = await stack.createPair({
      source: 'create table tiny (id bigint primary key, v text)',
    });
    const mirror = await pair.createMirror({ all_tables: true });
    await mirror.waitForStatus('running');
    const start = performance.now();
    await pair.source.query(
      `do $$ begin for i in 1..100000 loop insert into tiny values (i, 'tiny'); commit; end loop; end $$`,
    );
    await mirror.waitForEqual([samePair('public', 'tiny')], CATCH_UP_MS);
    report('100 k tiny transactions, written and applied', start);
    expectBoundedMemory();
  });

  test.each([
    ['a value of 100 MiB arrives in bounded memory', 100 * MIB, true],
    ['a value of 500 MB arrives', 500_000_000, false],
  ])('%s, by the stream', async (_title, bytes, bounded) => {
    const pair = await stack.createPair({
      source: 'create table value (id integer primary key, v text, n integer)',
    });
    const mirror = await pair.createMirror({ all_tables: true });
    await mirror.waitForStatus('running');
    const start = performance.now();
    await pair.source.query(
      `insert into value select 1, repeat('0123456789', $1::integer / 10), 0`,
      [bytes],
    );
    await pair.source.query('update value set n = 1');
    await mirror.waitForCatchUp(CATCH_UP_MS);
    report(`a value of ${Math.round(bytes / MIB)} MiB by the stream`, start);
    await expectSameValue(pair.source, pair.destination);
    if (bounded) expectBoundedMemory();
  });

  test('a value of 100 MiB is copied in bounded memory', async () => {
    const pair = await stack.createPair({
      source: 'create table value (id integer primary key, v text, n integer)',
    });
    await pair.source.query(
      `insert into value select i, repeat('0123456789', 10485760), 0 from generate_series(1, 3) i`,
    );
    const start = performance.now();
    const mirror = await pair.createMirror({ all_tables: true });
    await mirror.waitForStatus('running', CATCH_UP_MS);
    await mirror.waitForCatchUp(CATCH_UP_MS);
    report('three values of 100 MiB by the copy', start);
    await expectSameValue(pair.source, pair.destination);
    expectBoundedMemory();
  });

  test('a table of 2 million rows that is written to during its copy arrives equal', async () => {
    const pair = await createLedgerPair(stack);
    await pair.source.query(
      `create table filler (id integer primary key, v text, n integer not null default 0)`,
    );
    await pair.source.query(
      `insert into filler select i, repeat(md5(i::text), 6), 0 from generate_series(1, 2000000) i`,
    );
    const other = await pair.connectSource();
    const writers = await startLedgerWriters({
      connectionString: pair.sourceUrl,
      sessions: 3,
      transactionsPerSecond: 50,
    });
    const churning = new AbortController();
    const churn = (async () => {
      for (let round = 0; !churning.signal.aborted; round += 1) {
        await other.query(
          `update filler set n = n + 1 where id % 40 = $1 and id between $2 and $2 + 20000`,
          [round % 40, 1 + ((round * 20_011) % 1_980_000)],
        );
        await other.query(`delete from filler where id = $1`, [1 + ((round * 7919) % 2_000_000)]);
        await other.query(`insert into filler values ($1, 'new', 0)`, [3_000_000 + round]);
      }
      return true;
    })();
    const start = performance.now();
    const mirror = await pair.createMirror({ all_tables: true });
    await mirror.waitForStatus('running', CATCH_UP_MS);
    report('copy of 2 M rows under writes', start);
    churning.abort();
    await churn;
    await writers.stop();
    await mirror.waitForEqual([...LEDGER_PAIRS, samePair('public', 'filler')], CATCH_UP_MS);
    report('the same, caught up', start);
    expectBoundedMemory();
  });

  test('a pgbench database under four clients for a minute arrives equal', async () => {
    const pair = await stack.createPair({ source: PGBENCH_SCHEMA + pgbenchRows(10) });
    const mirror = await pair.createMirror({ all_tables: true });
    await mirror.waitForStatus('running', CATCH_UP_MS);
    const transactions = await runPgbench(pair.sourceUrl, { clients: 4, seconds: 60, scale: 10 });
    const start = performance.now();
    await mirror.waitForEqual(
      PGBENCH_TABLES.map((table): ComparedTable => samePair('public', table)),
      CATCH_UP_MS,
    );
    report(`catch-up after ${transactions} pgbench transactions in 60 s`, start);
    expectBoundedMemory();
  });
});

/** Compares big values where they are: bringing them here would measure this process. */
async function expectSameValue(
  source: { query(sql: string): Promise<{ rows: unknown[] }> },
  destination: { query(sql: string): Promise<{ rows: unknown[] }> },
): Promise<void> {
  const sql = 'select id, n, octet_length(v) as bytes, md5(v) as md5 from value order by id';
  const [left, right] = await Promise.all([source.query(sql), destination.query(sql)]);
  expect(right.rows).toEqual(left.rows);
  expect(right.rows.length).toBeGreaterThan(0);
}
