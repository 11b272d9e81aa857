import { type PostgresServer, type ServiceProgram, samePair, until } from '@bunnydb/testkit';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { DatabasePair } from '../src/database-pair.js';
import type { ResyncStrategy } from '../src/fresh-copy.js';
import { LEDGER_PAIRS, createLedgerPair } from '../src/ledger-run.js';
import {
  ACCOUNTS,
  LEDGER_SCHEMA,
  LEDGER_SOURCE,
  LEDGER_TABLES,
  type LedgerWriters,
  startLedgerWriters,
} from '../src/ledger.js';
import {
  copyServer,
  dropSlotByHand,
  invalidateSlot,
  sameDatabaseOn,
  startSource,
  waitForStop,
} from '../src/lost-source.js';
import { MARK_SCHEMA, MirrorFixture } from '../src/mirror-fixture.js';
import { type Stack, startStack } from '../src/stack.js';
import { type Watch, startWatch } from '../src/watch.js';

/** A table that the last source does not have at first. */
const EXTRA = 'create table extra (id integer primary key);';
const EXTRA_ROWS = 'insert into extra select generate_series(1, 10);';
/** What the source must go on for until it is sure that the destination does not. */
const MISSED_TRANSACTIONS = 30;

describe('a mirror that has lost its place at the source', () => {
  let stack: Stack;
  let server: PostgresServer;
  const others: PostgresServer[] = [];
  let pair: DatabasePair;
  let mirror: MirrorFixture;
  /** A session on whatever server is the source now. */
  let source: pg.Client;
  let sourceUrl: string;
  let writers: LedgerWriters | undefined;
  let reader: Watch | undefined;

  beforeAll(async () => {
    [stack, server] = await Promise.all([startStack('slot-lost'), startSource()]);
    pair = await createLedgerPair(stack, { sourceServerUrl: server.url, proxies: true });
    await pair.source.query(EXTRA + EXTRA_ROWS);
    await pair.destination.query(EXTRA);
    // By name: a table that a pattern stands for leaves the mirror when it is gone.
    const tables = [...LEDGER_TABLES, 'extra'].map((table) => `public.${table}`);
    mirror = await pair.createMirror({ table_mappings: tables });
    await lookAt(pair.sourceUrl);
    await mirror.waitForStatus('running');
  });
  afterEach(async () => {
    await writers?.stop().catch(() => undefined);
    await reader?.stop().catch(() => undefined);
    writers = reader = undefined;
  });
  afterAll(async () => {
    await source?.end().catch(() => undefined);
    await stack?.stop();
    await Promise.all([server, ...others].map((one) => one?.stop('immediate')));
  });

  async function connect(url: string): Promise<pg.Client> {
    const client = new pg.Client({ connectionString: url, application_name: 'testkit' });
    client.on('error', () => undefined);
    await client.connect();
    return client;
  }

  /** From now on this is the source that the mirror is compared with. */
  async function lookAt(url: string): Promise<void> {
    await source?.end().catch(() => undefined);
    source = await connect(url);
    sourceUrl = url;
    const names = { name: mirror.name, source_peer: '', destination_peer: '' };
    const destination = { session: () => pair.destination, url: pair.destinationUrl };
    mirror = new MirrorFixture(names, stack.api, { session: () => source, url }, destination);
  }

  /** Another server takes the source's address. */
  async function replaceSource(other: PostgresServer, url: string): Promise<void> {
    pair.proxies.source.leadTo(other.host, other.port);
    await lookAt(url);
  }

  async function write(): Promise<void> {
    await writers?.stop();
    const load = { sessions: 3, transactionsPerSecond: 30 };
    writers = await startLedgerWriters({ connectionString: sourceUrl, ...load });
  }

  const movements = async (client: pg.Client): Promise<number> =>
    Number((await client.query('select count(*) from movement')).rows[0]?.count);
  const slots = async (): Promise<number> =>
    (
      await source.query(
        `select from pg_replication_slots where slot_name = $1 and wal_status <> 'lost'`,
        [(await mirror.view()).slot_name],
      )
    ).rowCount ?? 0;

  /** The source goes on; the destination stays, and nobody makes a slot. */
  async function expectStandstill(slotsBefore: number): Promise<void> {
    const before = await movements(pair.destination);
    const from = await movements(source);
    await until(async () => (await movements(source)) > from + MISSED_TRANSACTIONS, {
      what: 'the source to go on',
    });
    expect(await movements(pair.destination)).toBe(before);
    expect(await slots()).toBe(slotsBefore);
    expect((await mirror.view()).status).toBe('error');
  }

  const slotName = async (): Promise<string> => (await mirror.view()).slot_name;

  const askRebuild = async (strategy: ResyncStrategy): Promise<number> =>
    (await stack.api.call('POST', `/v1/mirrors/${mirror.name}/resync`, { strategy })).status;

  const LOSSES: readonly {
    readonly loss: string;
    readonly words: string;
    readonly strategy: ResyncStrategy;
    readonly point: string;
    readonly slotsLeft: number;
    readonly lose: () => Promise<void>;
  }[] = [
    {
      loss: 'its slot was dropped',
      words: 'the replication slot does not exist',
      strategy: 'truncate',
      point: 'capture.after_slot_created',
      slotsLeft: 0,
      lose: async () => dropSlotByHand(source, await slotName()),
    },
    {
      loss: 'the source has discarded WAL',
      words: 'the source has discarded WAL that the slot needed',
      strategy: 'swap',
      point: 'lane.before_swap',
      slotsLeft: 0,
      lose: async () => {
        await stack.kill('capture');
        await invalidateSlot(source, await slotName());
        await stack.restart('capture');
      },
    },
    {
      loss: 'its publication was dropped',
      words: 'the publication does not exist',
      strategy: 'truncate',
      point: 'control.before_dispatch@2',
      slotsLeft: 1,
      lose: async () => {
        await source.query(`drop publication "${(await mirror.view()).publication_name}"`);
      },
    },
    {
      loss: 'the source was restored from a backup',
      words: 'the source ends before what',
      strategy: 'swap',
      point: 'control.after_dispatch@2',
      slotsLeft: 1,
      lose: async () => {
        await writers?.stop();
        const { original, copy } = await copyServer(server);
        server = original;
        others.push(copy);
        await lookAt(pair.sourceUrl);
        await stack.api.call('POST', `/v1/mirrors/${mirror.name}/retry`, {});
        await source.query(
          `insert into movement select 1, -i, repeat('w', 500) from generate_series(1, 5000) i`,
        );
        await mirror.waitForEqual(LEDGER_PAIRS);
        await replaceSource(copy, copy.urlOf(database()));
        await write();
      },
    },
    {
      loss: 'another cluster is at its address',
      words: 'the source is another server',
      strategy: 'truncate',
      point: 'lane.after_snapshot',
      slotsLeft: 0,
      lose: async () => {
        await writers?.stop();
        const other = await startSource();
        others.push(other);
        const sql = MARK_SCHEMA + ';' + LEDGER_SCHEMA + LEDGER_SOURCE;
        const url = await sameDatabaseOn(other, { name: database() }, connect, sql);
        await replaceSource(other, url);
        await write();
      },
    },
  ];
  const database = (): string => decodeURIComponent(new URL(pair.sourceUrl).pathname.slice(1));

  test.each(LOSSES)(
    'because $loss says so and moves nothing, until a resync by $strategy rebuilds it, through a kill -9 at $point',
    async ({ words, strategy, point, slotsLeft, lose }) => {
      await write();
      const name = await slotName();
      await lose();
      const { error_hint: hint } = await waitForStop(() => mirror.view(), words);
      expect(hint).toContain('/resync');
      await expectStandstill(slotsLeft);
      const counts = new Set<number>();
      reader = await startWatch(pair.destinationUrl, 5, async (client) => {
        counts.add(Number((await client.query('select count(*) from account')).rows[0]?.count));
      });
      const service = serviceOf(point);
      await stack.restart(service, { faultPoints: point });
      await waitForStop(() => mirror.view(), words);
      expect(await askRebuild(strategy)).toBe(200);
      await stack.waitForKill(service);
      await stack.restart(service);
      await mirror.waitForStatus('running', 120_000);
      await writers?.stop();
      await mirror.waitForEqual(LEDGER_PAIRS);
      await reader.stop();
      if (strategy === 'swap') expect([...counts]).toEqual([ACCOUNTS]);
      expect(await slotName()).toBe(name);
      expect(await slots()).toBe(1);
      expect(await mirror.view()).toMatchObject({ error_message: null, error_hint: null });
    },
  );

  test('a table that the new source lacks waits for it, and comes when it is there', async () => {
    const extra = await mirror.waitForTable('public.extra', 'error');
    expect(extra.error_message).toContain('the source table does not exist');
    await source.query(EXTRA + EXTRA_ROWS);
    await mirror.waitForTable('public.extra', 'running', 120_000);
    await source.query(`insert into extra values (100)`);
    // A copy that came before the publication had the table is made again.
    const ids = `select count(*)::int as n from extra`;
    await until(async () => (await pair.destination.query(ids)).rows[0]?.n === 11, {
      timeoutMs: 60_000,
      what: 'the row that was written last',
    });
    await mirror.waitForTable('public.extra', 'running');
    await mirror.waitForEqual([...LEDGER_PAIRS, samePair('public', 'extra')]);
  });
});

function serviceOf(point: string): ServiceProgram {
  if (point.startsWith('control.')) return 'control';
  return point.startsWith('capture.') ? 'capture' : 'apply';
}
