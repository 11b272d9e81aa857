import { type PostgresServer, startPostgres } from '@bunnydb/testkit';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { SchemaFixture } from './schema-fixture.js';

let server: PostgresServer;
let fixture: SchemaFixture;

beforeAll(async () => {
  server = await startPostgres({ version: 18 });
}, 60_000);
afterAll(async () => {
  await server.stop();
});
beforeEach(async () => {
  fixture = await SchemaFixture.open({ source: server.url, destination: server.url });
});
afterEach(async () => {
  await fixture.close();
});

const T = ['public.t'];

describe('a generated column', () => {
  const PLAIN = 'create table t (id int primary key, g int)';
  const stored = (factor: number): string =>
    `create table t (id int primary key, g int generated always as (id * ${factor}) stored)`;
  const VIRTUAL = 'create table t (id int primary key, g int generated always as (id * 2) virtual)';

  it.each([
    ['nowhere', PLAIN, PLAIN],
    ['on both sides', stored(2), stored(2)],
    ['on both sides, stored on one and virtual on the other', stored(2), VIRTUAL],
    ['the other way round', VIRTUAL, stored(2)],
  ])('%s asks for nothing', async (_, source, destination) => {
    await fixture.source.query(source);
    await fixture.destination.query(destination);
    expect(await fixture.diff(T)).toMatchObject({ changes: [], notes: [], in_sync: true });
  });

  it('on the source only takes the place of the plain one when that may be lost', async () => {
    await fixture.source.query(stored(2));
    await fixture.destination.query(`${PLAIN}; insert into t values (3, 0)`);
    await fixture.destination.query('create index t_g on t (g)');
    await fixture.source.query('create index t_g on t (g)');
    expect((await fixture.sync(T, {})).skipped).toMatchObject([{ kind: 'replace_column' }]);
    expect(await fixture.destination.query('select g from t')).toEqual([{ g: 0 }]);
    expect((await fixture.sync(T, { allow_destructive: true })).failed).toEqual([]);
    expect(await fixture.destination.query('select g from t')).toEqual([{ g: 6 }]);
    expect(await fixture.diff(T)).toMatchObject({ changes: [], notes: [], in_sync: true });
  });

  it('at the destination only becomes a plain one and keeps its values', async () => {
    await fixture.source.query(PLAIN);
    await fixture.destination.query(`${stored(2)}; insert into t values (3)`);
    expect((await fixture.sync(T, {})).applied).toMatchObject([
      { kind: 'drop_generated', destructive: false },
    ]);
    expect(await fixture.destination.query('select g from t')).toEqual([{ g: 6 }]);
  });

  it('with another expression gets the one of the source, its rows too', async () => {
    await fixture.source.query(stored(5));
    await fixture.destination.query(`${stored(2)}; insert into t values (3)`);
    expect((await fixture.sync(T, {})).applied).toMatchObject([{ kind: 'set_generated' }]);
    expect(await fixture.destination.query('select g from t')).toEqual([{ g: 15 }]);
  });
});

describe('a collation of the user', () => {
  it('that tells no case apart arrives, and keys under it refuse what the source refuses', async () => {
    await fixture.source.query(
      `create schema c; create collation c.ci (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
       create table t (id text collate c.ci primary key, name text collate c.ci unique, v varchar(9) collate "C")`,
    );
    await fixture.provision(T);
    await fixture.build(T);
    expect(await fixture.diff(T)).toMatchObject({ changes: [], notes: [] });
    await fixture.destination.query(`insert into t values ('a', 'x')`);
    for (const row of [`('A', 'y')`, `('b', 'X')`]) {
      await expect(fixture.destination.query(`insert into t values ${row}`)).rejects.toMatchObject({
        code: '23505',
      });
    }
  });
});

describe('a partitioned table', () => {
  const PARTITIONED = `
    create table t (id int, at date, note text default 'x', primary key (id, at)) partition by range (at);
    create table t_2023 partition of t for values from ('2023-01-01') to ('2024-01-01');
    create index t_note on t (note)`;
  const PLAIN = 'create table t (at date, note text, id int, primary key (id, at))';

  it('goes into a plain one, and a plain one into a partitioned one, with the indexes of the source', async () => {
    await fixture.source.query(PARTITIONED);
    await fixture.destination.query(PLAIN);
    expect((await fixture.build(T)).built).toEqual(['create_index public.t.t_note']);
    const back = await SchemaFixture.open({ source: server.url, destination: server.url });
    try {
      await back.source.query(`${PLAIN}; create index t_note on t (note)`);
      await back.destination.query(PARTITIONED.replace('create index t_note on t (note)', ''));
      expect((await back.build(T)).built).toEqual(['create_index public.t.t_note']);
      const [row] = await back.destination.query(
        `select count(*)::int as n from pg_inherits where inhparent = 't_note'::regclass`,
      );
      expect(row).toEqual({ n: 1 });
    } finally {
      await back.close();
    }
  });

  it('gets a partition that was attached on the source, whatever the order of its columns', async () => {
    await fixture.source.query(PARTITIONED);
    await fixture.provision(T);
    await fixture.build(T);
    await fixture.source.query(
      `create table t_2024 (note text, gone int, at date not null, id int not null);
       alter table t_2024 drop column gone;
       alter table t attach partition t_2024 for values from ('2024-01-01') to ('2025-01-01');
       create table t_rest partition of t default`,
    );
    const { applied } = await fixture.sync(T, {});
    expect(applied.map((change) => `${change.kind} ${change.object}`)).toEqual([
      'create_partition public.t_2024',
      'create_partition public.t_rest',
    ]);
    expect(await fixture.diff(T)).toMatchObject({ changes: [], notes: [], in_sync: true });
    await fixture.destination.query(`insert into t values (1, '2024-05-05'), (2, '2030-01-01')`);
    const rows = await fixture.destination.query('select tableoid::regclass::text as at from t');
    expect(rows).toEqual([{ at: 't_2024' }, { at: 't_rest' }]);
  });

  it('with a partition that only the destination has keeps its rows unless told otherwise', async () => {
    await fixture.source.query(PARTITIONED);
    await fixture.provision(T);
    await fixture.build(T);
    await fixture.destination.query(
      `create table t_mine partition of t for values from ('2000-01-01') to ('2001-01-01')`,
    );
    expect(await fixture.diff(T)).toMatchObject({
      changes: [{ kind: 'detach_partition', destructive: true }],
      in_sync: true,
    });
  });
});

describe('a key without overlaps', () => {
  it('arrives with its extension and identifies rows, as a primary key and by index', async () => {
    await fixture.source.query(
      `create extension btree_gist;
       create table t (id int, during daterange, note text, primary key (id, during without overlaps));
       create table u (id int not null, during daterange not null, constraint u_key unique (id, during without overlaps));
       alter table u replica identity using index u_key;
       create table v (id int, during daterange, foreign key (id, period during) references t (id, period during))`,
    );
    const tables = [...T, 'public.u', 'public.v'];
    await fixture.provision(tables);
    expect(await fixture.build(tables)).toMatchObject({ skipped: [], failed: [] });
    expect(await fixture.diff(tables)).toMatchObject({ changes: [], notes: [], in_sync: true });
    const keys = await fixture.destination.query(
      `select conname::text as name, conperiod as period from pg_constraint where conrelid in ('t'::regclass, 'u'::regclass, 'v'::regclass)
          and contype in ('p', 'u', 'f') order by 1`,
    );
    expect(keys).toEqual([
      { name: 't_pkey', period: true },
      { name: 'u_key', period: true },
      { name: 'v_id_during_fkey', period: true },
    ]);
    await fixture.destination.query(`insert into t values (1, '[2024-01-01,2024-02-01)')`);
    await expect(
      fixture.destination.query(`insert into t values (1, '[2024-01-15,2024-03-01)')`),
    ).rejects.toMatchObject({ code: '23P01' });
  });
});

describe('an enum', () => {
  it('gets labels of the source at their place, and tells what cannot be undone', async () => {
    await fixture.source.query(
      `create type mood as enum ('a', 'b', 'c', 'd'); create table t (id int primary key, m mood)`,
    );
    await fixture.destination.query(
      `create type mood as enum ('b', 'd', 'mine'); create table t (id int primary key, m mood)`,
    );
    const { applied } = await fixture.sync(T, {});
    expect(applied.map((change) => change.kind)).toEqual(['add_enum_value', 'add_enum_value']);
    const [row] = await fixture.destination.query('select enum_range(null::mood)::text as labels');
    expect(row).toEqual({ labels: '{a,b,c,d,mine}' });
    expect((await fixture.diff(T)).notes).toMatchObject([
      { object: '"public"."mood"', reason: expect.stringContaining('cannot be dropped') },
    ]);
  });
});
