import { FAILURE_POLICIES, type FailurePolicy } from '@bunnydb/failure';
import { until } from '@bunnydb/testkit';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { DatabasePair } from '../src/database-pair.js';
import { LEDGER_PAIRS, createLedgerPair } from '../src/ledger-run.js';
import { type LedgerWriters, startLedgerWriters } from '../src/ledger.js';
import type { MirrorFixture } from '../src/mirror-fixture.js';
import { type Stack, startStack } from '../src/stack.js';
import type { TcpProxy } from '../src/tcp-proxy.js';

describe('a failure of the whole mirror', () => {
  let stack: Stack;
  let pair: DatabasePair;
  let mirror: MirrorFixture;
  let role: string;
  let writers: LedgerWriters | undefined;

  beforeAll(async () => {
    stack = await startStack('mirror-failures');
    pair = await createLedgerPair(stack, { proxies: true });
    role = `${pair.name}_role`;
    await pair.source.query(`create role ${role} login replication`);
    for (const session of [pair.source, pair.destination])
      await session.query(`
        do $$ declare o text; begin
          execute format('grant create on database %I to ${role}', current_database());
          for o in select oid::regclass::text from pg_class where relnamespace = 'public'::regnamespace and relkind = 'r'
          loop execute format('alter table %s owner to ${role}', o); end loop;
        end $$`);
    await pair.destination.query(`grant set on parameter session_replication_role to ${role}`);
    for (const side of ['source', 'destination'])
      await stack.api.call('PUT', `/v1/peers/${pair.name}_${side}`, { user: role });
    mirror = await pair.createMirror({ all_tables: true });
    await mirror.waitForStatus('running');
  });
  afterEach(async () => {
    await writers?.stop().catch(() => undefined);
  });
  afterAll(async () => {
    await pair?.source.query(`alter role ${role} noreplication`).catch(() => undefined);
    await stack?.stop();
  });

  const addressOf = (url: string): readonly [string, number] => [
    new URL(url).hostname,
    Number(new URL(url).port),
  ];
  const leadNowhere = (proxy: TcpProxy): void => proxy.leadTo('127.0.0.1', CLOSED_PORT);

  const FAILURES: readonly {
    readonly what: string;
    readonly kind: string;
    /** What the message names: the side, what is wrong, and where. */
    readonly words: readonly string[];
    readonly cause: () => Promise<unknown>;
    readonly heal: () => Promise<unknown>;
  }[] = [
    {
      what: 'a source that is down',
      kind: 'source_unreachable',
      words: ['the source: the server cannot be reached', 'server 127.0.0.1:', 'user '],
      cause: async () => leadNowhere(pair.proxies.source),
      heal: async () => pair.proxies.source.leadTo(...addressOf(pair.sourceUrl)),
    },
    {
      what: 'a destination that is down',
      kind: 'destination_unreachable',
      words: ['the destination: the server cannot be reached', 'server 127.0.0.1:'],
      cause: async () => leadNowhere(pair.proxies.destination),
      heal: async () => pair.proxies.destination.leadTo(...addressOf(pair.destinationUrl)),
    },
    {
      what: 'a source role that may not replicate any more',
      kind: 'privilege_missing',
      words: ['the source: the user lacks a privilege', 'user ', 'privilege REPLICATION'],
      cause: async () => {
        await pair.source.query(`alter role ${role} noreplication`);
        pair.proxies.source.cut();
      },
      heal: () => pair.source.query(`alter role ${role} replication`),
    },
    {
      what: 'a role that may not log in any more',
      kind: 'authentication_failed',
      words: ['the destination: the server refused the user or the password', 'user '],
      cause: async () => {
        await pair.destination.query(`alter role ${role} nologin`);
        pair.proxies.destination.cut();
      },
      heal: () => pair.destination.query(`alter role ${role} login`),
    },
    {
      what: 'a destination role that may not write the bookkeeping any more',
      kind: 'privilege_missing',
      words: ['the destination: the user lacks a privilege', 'object table position'],
      cause: () => pair.destination.query(`revoke update on _bunny.position from ${role}`),
      heal: () => pair.destination.query(`grant update on _bunny.position to ${role}`),
    },
    {
      what: 'a destination that is read-only',
      kind: 'read_only',
      words: ['the destination: the server is read-only'],
      cause: async () => {
        await pair.destination.query(`alter role ${role} set default_transaction_read_only = on`);
        pair.proxies.destination.cut();
      },
      heal: async () => {
        await pair.destination.query(`alter role ${role} reset default_transaction_read_only`);
        pair.proxies.destination.cut();
      },
    },
    {
      what: 'a destination whose disk is full',
      kind: 'disk_full',
      words: ['the destination: the disk is full', 'table public.account'],
      cause: () => pair.destination.query(FILL_DISK),
      heal: () => pair.destination.query('drop function full_disk cascade'),
    },
  ];

  test.each(FAILURES)(
    '$what is told with its kind, the place and what to do, is tried again at the told time, and costs no row',
    async ({ kind, words, cause, heal }) => {
      writers = await startLedgerWriters({
        connectionString: pair.sourceUrl,
        sessions: 2,
        transactionsPerSecond: 20,
      });
      await cause();
      let last = await mirror.view();
      await until(
        async () => {
          last = await mirror.view();
          return words.every((word) => last.error_message?.includes(word));
        },
        {
          timeoutMs: 60_000,
          what: () => `${words.join(' … ')}; the mirror says ${last.error_message ?? last.status}`,
        },
      );
      expect(last.status).toBe('error');
      expect(last.error_hint).toBe(POLICIES.get(kind)?.hint);
      expect(Date.parse(last.next_retry_at ?? '')).toBeGreaterThan(0);
      expect(await kindsInLog()).toContain(kind);
      await heal();
      // The wait may be long by now.
      await stack.api.call('POST', `/v1/mirrors/${mirror.name}/retry`, {});
      await mirror.waitForStatus('running');
      await writers.stop();
      await mirror.waitForEqual(LEDGER_PAIRS);
      expect(await mirror.view()).toMatchObject({ error_message: null, next_retry_at: null });
    },
  );

  async function kindsInLog(): Promise<readonly unknown[]> {
    const path = `/v1/mirrors/${mirror.name}/logs?level=error&limit=20`;
    const { body } = await stack.api.call('GET', path);
    const { logs } = body as { logs: readonly { details: Readonly<Record<string, unknown>> }[] };
    return logs.map(({ details }) => details['kind']);
  }
});

const CLOSED_PORT = 1;
const POLICIES = new Map<string, FailurePolicy>(Object.entries(FAILURE_POLICIES));
/** A disk cannot be filled without hurting others; the server's own error can be had without. */
const FILL_DISK = `
create function full_disk() returns trigger language plpgsql as
  $$ begin raise exception 'could not extend file' using errcode = 'disk_full'; end $$;
create trigger full_disk before insert or update on account for each row execute function full_disk();
alter table account enable always trigger full_disk`;
