import { POSTGRES_VERSIONS, startPostgres } from '@bunnydb/testkit';
import type { TestDatabase } from '@bunnydb/testkit';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readCatalog } from '../src/shell/read-catalog.js';
import { SchemaFixture } from './schema-fixture.js';

let fixture: SchemaFixture;

beforeEach(async () => {
  fixture = await SchemaFixture.open();
});

afterEach(async () => {
  await fixture.close();
});

/** The catalog's view of tables, as provisioning reads it; the session reads names with their schema. */
async function catalogOf(database: TestDatabase, ...names: string[]): Promise<unknown> {
  const client = await database.connect();
  try {
    await client.query(`set search_path = ''`);
    const wanted = names.map((table) => ({ schema: 'shop', table }));
    return await readCatalog(client, wanted);
  } finally {
    await client.end();
  }
}

const SHOP = `
  create schema shop;
  create schema kinds;
  create extension citext with schema kinds;
  create extension "uuid-ossp" with schema kinds;
  create type kinds.mood as enum ('sad', 'it''s ok', 'happy');
  create domain kinds.positive as numeric(8,2) default 1 not null constraint above_zero check (value > 0);
  create type kinds.pair as (amount kinds.positive, moods kinds.mood[]);
  create type kinds.span as range (subtype = float8);
  create sequence shop.ticket start 100 increment 5 maxvalue 9999 cycle;
  create table shop.customer (
    id serial primary key,
    "E mail" kinds.citext not null unique,
    token uuid default kinds.uuid_generate_v4(),
    name varchar(40) collate "C" default 'no''body',
    mood kinds.mood default 'happy',
    price kinds.positive,
    best kinds.pair[],
    span kinds.span, spans kinds.span_multirange,
    ticket bigint default nextval('shop.ticket'::regclass),
    code text default 'T' || nextval('shop.ticket'::regclass),
    tags text[] default '{}', at timestamptz(3) default now()
  );
  create table shop.order_line (
    order_id bigint, line int, serial_no bigint generated always as identity (start 7 increment 2),
    quantity int not null, each numeric(10,2), total numeric generated always as (quantity * each) stored,
    primary key (line, order_id) include (quantity)
  );
  create table shop.by_index (a int not null, b text not null, c int);
  create unique index by_index_key on shop.by_index (b, a);
  alter table shop.by_index replica identity using index by_index_key;
  create table shop.event (id bigint, at date not null, kind text, primary key (id, at, kind)) partition by range (at);
  create table shop.event_2024 partition of shop.event for values from ('2024-01-01') to ('2025-01-01') partition by list (kind);
  create table shop.event_2024_a partition of shop.event_2024 for values in ('a', 'b');
  create table shop.event_2024_rest partition of shop.event_2024 default;
  create table shop.event_rest partition of shop.event default`;

describe('provisioning', () => {
  it('makes tables that the catalog cannot tell from the source, with types, extensions, sequences and partitions', async () => {
    await fixture.source.query(SHOP);
    const names = ['customer', 'order_line', 'by_index', 'event'];
    const tables = names.map((name) => `shop.${name}`);
    const plan = await fixture.provision(tables);
    expect(plan.created).toEqual(tables);
    expect(plan.defaultsLeftOut).toEqual([]);
    const [source, destination] = await Promise.all(
      [fixture.source, fixture.destination].map((database) => catalogOf(database, ...names)),
    );
    // What rows are identified by is the source's own matter; the index is made all the same.
    const withoutIdentity = (catalog: unknown): unknown =>
      JSON.parse(
        JSON.stringify(catalog, (key, value: unknown) =>
          ['replicaIdentity', 'identityIndex', 'labelOids'].includes(key) ? undefined : value,
        ),
      );
    expect(withoutIdentity(destination)).toEqual(withoutIdentity(source));
    const [index] = await fixture.destination.query(
      `select pg_get_indexdef('shop.by_index_key'::regclass) as definition`,
    );
    expect(index).toEqual({
      definition: 'CREATE UNIQUE INDEX by_index_key ON shop.by_index USING btree (b, a)',
    });
    await fixture.destination.query(
      `insert into shop.customer ("E mail") values ('a@b'); insert into shop.event values (1, '2024-05-05', 'a')`,
    );
  });

  it('changes nothing the second time, and goes on where a run was cut off', async () => {
    await fixture.source.query(SHOP);
    await fixture.provision(['shop.customer']);
    const plan = await fixture.provision(['shop.customer', 'shop.by_index']);
    expect(plan).toMatchObject({ created: ['shop.by_index'], existing: ['shop.customer'] });
    expect(plan.steps.map((step) => step.kind)).toEqual(['table']);
  });

  it('knows the columns of what it made before it was cut off, so that one which the source drops next needs no value', async () => {
    await fixture.source.query(
      `create table first (id int primary key, gone text not null); create table second (id int primary key)`,
    );
    await fixture.destination.query(`create domain second as int`);
    await expect(fixture.provision(['public.first', 'public.second'])).rejects.toThrow();
    await fixture.source.query('alter table first drop column gone');
    const { changes } = await fixture.diff(['public.first']);
    expect(changes.map(({ kind, object }) => `${kind} ${object}`)).toEqual([
      'drop_not_null public.first.gone',
      'drop_column public.first.gone',
    ]);
  });

  it('makes what two mirrors share once when both provision at the same time', async () => {
    await fixture.source.query(SHOP);
    const plans = await Promise.all([
      fixture.provision(['shop.customer']),
      fixture.provision(['shop.customer', 'shop.event']),
    ]);
    expect(plans.flatMap((plan) => plan.created).sort()).toEqual(['shop.customer', 'shop.event']);
  });

  it('maps schema and table names, two tables of one name into one schema included', async () => {
    await fixture.source.query(
      `create schema a; create schema b;
       create table a.t (id serial primary key); create table b.t (id serial primary key)`,
    );
    const to = (table: string): { schema: string; table: string } => ({ schema: 'To "x"', table });
    await fixture.provision([
      { source: { schema: 'a', table: 't' }, destination: to('t'), exclude_columns: [] },
      { source: { schema: 'b', table: 't' }, destination: to('T.2'), exclude_columns: [] },
    ]);
    await fixture.destination.query(
      `insert into "To ""x""".t default values; insert into "To ""x"""."T.2" default values`,
    );
  });

  it('leaves out a default that calls a function of the user, and says so', async () => {
    await fixture.source.query(
      `create function public.code() returns text language sql as 'select ''x''';
       create table t (id int primary key, code text default public.code())`,
    );
    const plan = await fixture.provision(['public.t']);
    expect(plan.defaultsLeftOut).toEqual(['public.t.code']);
    expect(plan.created).toEqual(['public.t']);
  });

  it('refuses, before it changes anything, an existing table or enum that does not fit', async () => {
    await fixture.source.query(
      `create type mood as enum ('a', 'b'); create table t (id int primary key, note text);
       create table u (m mood)`,
    );
    await fixture.destination.query(`create type mood as enum ('a'); create table t (id int)`);
    await expect(fixture.provision(['public.t', 'public.u', 'public.gone'])).rejects.toMatchObject({
      kind: 'schema_mismatch',
      detail: {
        problems: [
          'public.t lacks the column note',
          'public.gone does not exist on the source',
          'the enum "public"."mood" lacks a label that the source has',
        ],
        fixes: [
          'ALTER TABLE "public"."t" ADD COLUMN "note" text;',
          'Create it, or take it out of the mirror.',
          `ALTER TYPE "public"."mood" ADD VALUE 'b';`,
        ],
      },
    });
    expect(await fixture.destination.query(`select to_regclass('public.u') as u`)).toEqual([
      { u: null },
    ]);
  });

  it('carries a schema from the newest version to the oldest, virtual columns as stored ones', async () => {
    const oldest = await startPostgres({ version: POSTGRES_VERSIONS[0] });
    const newest = await startPostgres({ version: POSTGRES_VERSIONS[3] });
    const across = await SchemaFixture.open({ source: newest.url, destination: oldest.url });
    try {
      await across.source.query(SHOP);
      await across.source.query(
        'create table v (a int primary key, b int generated always as (a * 2) virtual)',
      );
      await across.provision(['shop.customer', 'shop.order_line', 'shop.event', 'public.v']);
      await across.destination.query('insert into v values (2)');
      expect(await across.destination.query('select b from v')).toEqual([{ b: 4 }]);
    } finally {
      await across.close();
      await oldest.stop();
      await newest.stop();
    }
  });
});

describe('dropping tables', () => {
  it('drops tables that refer to one another, and only those', async () => {
    await fixture.destination.query(
      `create table a (id int primary key); create table b (id int references a, x int unique);
       alter table a add foreign key (id) references b (x); create table other ()`,
    );
    expect(await fixture.drop(['public.a', 'public.b', 'public.gone'])).toEqual({
      dropped: ['public.a', 'public.b', 'public.gone'],
      left: [],
    });
    expect(
      await fixture.destination.query(
        `select relname from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace`,
      ),
    ).toEqual([{ relname: 'other' }]);
  });

  it('drops nothing while a view of somebody else leans on a table', async () => {
    await fixture.destination.query('create table a (id int); create view v as select * from a');
    await expect(fixture.drop(['public.a'])).rejects.toMatchObject({
      detail: { sqlstate: '2BP01' },
    });
  });

  it('gives up on a server out of reach only when forced, and says what it left', async () => {
    await expect(fixture.drop(['public.a'], false, 1)).rejects.toMatchObject({
      kind: 'destination_unreachable',
    });
    expect(await fixture.drop(['public.a'], true, 1)).toEqual({ dropped: [], left: ['public.a'] });
  });
});
