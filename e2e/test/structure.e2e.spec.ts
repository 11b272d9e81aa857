import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { DatabasePair } from '../src/database-pair.js';
import { samePair } from '@bunnydb/testkit';
import { LEDGER_PAIRS, createLedgerPair } from '../src/ledger-run.js';
import { startLedgerWriters } from '../src/ledger.js';
import type { MirrorFixture } from '../src/mirror-fixture.js';
import { type Stack, startStack } from '../src/stack.js';

/** Every kind of index, constraint and foreign key; the rows come with it. */
const SHOP = `
create extension btree_gist;
create extension pg_trgm;
create table region (code text primary key, parent text references region on update cascade on delete set null);
create table customer (
  id serial primary key, email text not null, region text not null, nick text, tags text[], spot point, seen inet,
  doc jsonb, body tsvector, at timestamptz not null default now(), score integer,
  constraint customer_email_key unique (email) include (nick),
  constraint customer_nick_key unique nulls not distinct (nick, region),
  constraint "Score Range" check (score between 0 and 100),
  constraint customer_region_fkey foreign key (region) references region (code) match full on update cascade on delete restrict
);
create index customer_at on customer using brin (at) with (pages_per_range = 16);
create index customer_tags on customer using gin (tags) with (fastupdate = off);
create index customer_trgm on customer using gin (nick gin_trgm_ops);
create index customer_spot on customer using gist (spot);
create index customer_seen on customer using spgist (seen);
create index customer_hash on customer using hash (email);
create index customer_lower on customer (lower(email) text_pattern_ops desc nulls last, nick collate "C");
create unique index customer_partial on customer (id, score) include (at) nulls not distinct where score is not null;
create table booking (
  id bigint generated always as identity primary key, room integer not null, during tstzrange not null,
  customer integer not null references customer deferrable, previous bigint references booking on delete cascade,
  position integer unique deferrable initially deferred,
  constraint booking_no_overlap exclude using gist (room with =, during with &&) where (room > 0)
);
create table boss (id integer primary key, team integer);
create table team (id integer primary key, boss integer references boss);
alter table boss add constraint boss_team foreign key (team) references team on delete set null (team);
create table event (id bigint, at date not null, customer integer references customer, kind text, primary key (id, at)) partition by range (at);
create table event_2024 partition of event for values from ('2024-01-01') to ('2025-01-01');
create table event_rest partition of event default;
create index event_kind on event (kind, at desc);
insert into region values ('eu', null), ('nl', 'eu');
insert into customer (email, region, nick, score) select 'u' || n, 'nl', 'n' || n, n % 100 from generate_series(1, 2000) n;
insert into booking (room, during, customer, position)
select n, tstzrange('2024-01-01', '2024-01-02'), 1 + n % 2000, n from generate_series(1, 500) n;
insert into boss values (1, null); insert into team values (1, 1); update boss set team = 1;
insert into event select n, date '2024-06-01' + (n % 400), 1 + n % 2000, 'k' from generate_series(1, 3000) n;
`;

const SHOP_PAIRS = ['region', 'customer', 'booking', 'boss', 'team', 'event'].map((table) =>
  samePair('public', table),
);

/** Definitions as PostgreSQL writes them, without what deferral adds. */
const DEFINITIONS = `
select pg_get_indexdef(i.indexrelid) || case when i.indisvalid then '' else ' INVALID' end as definition
  from pg_index i join pg_class c on c.oid = i.indexrelid
 where c.relnamespace = 'public'::regnamespace and i.indexrelid not in (select inhrelid from pg_inherits)
union all
select k.conrelid::regclass || ' ' || k.conname || ' ' || case when k.contype = 'f'
         then regexp_replace(pg_get_constraintdef(k.oid), '( NOT)? DEFERRABLE( INITIALLY DEFERRED)?', '')
         else pg_get_constraintdef(k.oid) end
  from pg_constraint k
 where k.connamespace = 'public'::regnamespace and k.contype <> 'n' and k.conparentid = 0 and k.conrelid <> 0
order by 1`;

const DEFERRED_KEYS = `
select count(*)::int as keys,
       count(*) filter (where convalidated and condeferrable and condeferred)::int as good
  from pg_constraint where contype = 'f' and conparentid = 0 and connamespace = 'public'::regnamespace`;

describe('structure', () => {
  let stack: Stack;
  let pair: DatabasePair;
  let mirror: MirrorFixture;

  beforeAll(async () => {
    stack = await startStack('structure');
    pair = await createLedgerPair(stack);
  });
  afterAll(() => stack?.stop());

  async function whileWriting(work: () => Promise<void>): Promise<void> {
    const writers = await startLedgerWriters({
      connectionString: pair.sourceUrl,
      sessions: 2,
      transactionsPerSecond: 40,
    });
    try {
      await work();
    } finally {
      await writers.stop();
    }
  }

  const structureBuilt = () =>
    pair.until(
      async () => (await mirror.view()).phase === 'streaming changes',
      'indexes and foreign keys to be built',
    );
  const diff = async () =>
    (await stack.api.call('GET', `/v1/mirrors/${mirror.name}/schema-diff`)).body;

  test('every index, constraint and foreign key arrives while the source is written to; keys are validated and deferred', async () => {
    await pair.source.query(SHOP);
    await pair.destination.query('drop table movement, wallet, account, session_counter');
    await whileWriting(async () => {
      mirror = await pair.createMirror({ all_tables: true, schema_changes: 'manual' });
      await mirror.waitForStatus('running');
      await structureBuilt();
      // A source whose keys act, whose rows refer to one another, and that empties tables with what refers to them.
      await pair.source.query(`
        update region set code = 'xx' where code = 'eu'; delete from team; delete from region where code = 'xx';
        delete from booking where id < 50; insert into booking (room, during, customer, previous) select 900 + n, '(,)', n, 100 from generate_series(1, 20) n;
        delete from booking where id = 100; begin; update booking set position = 1001 - position; commit; truncate customer restart identity cascade;
        insert into customer (email, region) values ('again', 'nl'); insert into event values (1, '2024-02-02', 1, 'again')`);
    });
    await mirror.waitForEqual([...LEDGER_PAIRS, ...SHOP_PAIRS]);
    const wanted = await pair.source.query(DEFINITIONS);
    expect((await pair.destination.query(DEFINITIONS)).rows).toEqual(wanted.rows);
    const { rows } = await pair.destination.query<{ keys: number; good: number }>(DEFERRED_KEYS);
    expect(rows[0]?.keys).toBe(rows[0]?.good);
    expect(rows[0]?.keys).toBeGreaterThanOrEqual(8);
    expect(await diff()).toMatchObject({ changes: [], notes: [], in_sync: true });
  });

  test('what is added later is told by schema-diff and made by sync-schema, while the source is written to', async () => {
    await pair.source.query(`
      create index account_owner on account (owner); alter table account add constraint owner_given check (owner <> '');
      alter table wallet alter column note set default 'none'`);
    const sync = `/v1/mirrors/${mirror.name}/sync-schema`;
    const changes = [
      { kind: 'set_default', object: 'public.wallet.note' },
      { kind: 'create_index', object: 'public.account.account_owner' },
      { kind: 'add_check', object: 'public.account.owner_given' },
      { kind: 'validate_check', object: 'public.account.owner_given' },
    ];
    await whileWriting(async () => {
      expect(await diff()).toMatchObject({ in_sync: false, changes });
      const dry = await stack.api.call('POST', sync, { dry_run: true });
      expect(dry).toMatchObject({ status: 200, body: { applied: [], skipped: changes } });
      expect(await stack.api.call('POST', sync, { changes: ['gone'] })).toMatchObject({
        status: 409,
      });
      const done = await stack.api.call('POST', sync, {});
      expect(done.body).toMatchObject({ applied: changes, skipped: [], failed: [] });
    });
    expect(await diff()).toMatchObject({ changes: [], in_sync: true });
    await mirror.waitForEqual(LEDGER_PAIRS);
  });

  test('a destination row that points to nothing is counted, and the key holds once it is mended', async () => {
    const target = await stack.createPair({
      source: `create table parent (id integer primary key); create table child (id integer primary key, parent integer references parent);
        insert into parent values (1); insert into child values (1, 1)`,
      destination: `create table parent (id integer primary key); create table child (id integer primary key, parent integer)`,
    });
    const other = await target.createMirror({
      all_tables: true,
      replicate_foreign_keys: true,
      schema_changes: 'manual',
    });
    await other.waitForStatus('running');
    await target.until(
      async () => (await other.view()).phase === 'streaming changes',
      'the foreign key to be built',
    );
    await target.destination.query(
      `alter table child drop constraint child_parent_fkey; insert into child values (7, 7), (8, 8)`,
    );
    const sync = `/v1/mirrors/${other.name}/sync-schema`;
    const failed = await stack.api.call('POST', sync, {});
    expect(failed.body).toMatchObject({
      applied: [{ kind: 'add_foreign_key' }],
      failed: [{ kind: 'validate_foreign_key', outcome: expect.stringMatching(/rows: 2$/) }],
    });
    await target.destination.query('delete from child where id > 1');
    const mended = await stack.api.call('POST', sync, {});
    expect(mended.body).toMatchObject({ applied: [{ kind: 'validate_foreign_key' }], failed: [] });
  });

  test('what changes no shape of rows comes by itself, and sequences stay ahead', async () => {
    const target = await stack.createPair({
      source: `create table item (id bigserial primary key, note text); insert into item (note) values ('a')`,
    });
    const other = await target.createMirror({ all_tables: true });
    await other.waitForStatus('running');
    await target.source.query(`
      create index item_note on item (note); comment on table item is 'kept';
      insert into item (note) select 'n' from generate_series(1, 5000)`);
    await target.until(async () => {
      const { rows } = await target.destination.query<{ done: boolean }>(
        `select to_regclass('item_note') is not null and obj_description('item'::regclass) = 'kept'
                and (select last_value from item_id_seq) > 5001 as done`,
      );
      return rows[0]?.done === true;
    }, 'the index, the comment and the sequence');
  });
});
