import type { DdlMark } from '@bunnydb/change-stream';
import type { MirrorSpec } from '@bunnydb/contracts';
import { connectMessaging } from '@bunnydb/messaging';
import {
  type PostgresServer,
  THROW_AWAY_SETTINGS,
  type TestDatabase,
  createDatabase,
  startPostgres,
  until,
} from '@bunnydb/testkit';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { cleanSource } from '../src/shell/clean-source.js';
import { CapturedMirror } from './mirror-fixture.js';
import { testNatsUrl } from './nats-url.js';
import { storyOf } from './stored-changes.js';

describe.each([15, 18] as const)('schema marks of PostgreSQL %i', (version) => {
  let server: PostgresServer;
  let database: TestDatabase;
  let mirror: CapturedMirror | undefined;
  let ends = 999_000;

  beforeAll(async () => {
    server = await startPostgres({ version, settings: THROW_AWAY_SETTINGS });
  });
  afterAll(() => server.stop('immediate'));
  beforeEach(async () => {
    database = await createDatabase({ serverUrl: server.url });
  });
  afterEach(async () => {
    await mirror?.close();
    if (mirror) await clean(mirror.spec);
    mirror = undefined;
    await database.drop();
  });

  async function start(ddl: string, spec: Partial<MirrorSpec> = {}): Promise<CapturedMirror> {
    await database.query(ddl);
    const tables = ['public.t'];
    mirror = await CapturedMirror.prepare(testNatsUrl(), database, { tables, spec });
    mirror.start();
    return mirror;
  }

  /** What the stream tells, up to and without the row that marks the end. */
  async function story(): Promise<string[]> {
    const end = `${++ends}`;
    await database.query(`insert into t (id) values (${end})`);
    return until(
      async () => {
        if (mirror?.failure) throw mirror.failure;
        const told = storyOf((await mirror?.messages()) ?? []);
        const at = told.findIndex((line) => line.startsWith(`I t ${end}`));
        return at < 0 ? undefined : told.slice(0, at);
      },
      { what: 'the end of the story' },
    );
  }

  async function ddlMarks(): Promise<DdlMark[]> {
    await story();
    const marks = ((await mirror?.messages()) ?? []).flatMap((m) => (m.mark ? [m.mark.mark] : []));
    return marks.flatMap((mark) => (mark.kind === 'ddl' ? [mark] : []));
  }

  async function clean(spec: MirrorSpec): Promise<readonly string[]> {
    const messaging = await connectMessaging({ url: testNatsUrl(), name: 'cleaning test' });
    const { settings } = new CapturedMirror(messaging, spec);
    const { signal } = new AbortController();
    const left = await cleanSource({ messaging, settings, spec, force: false, signal });
    await messaging.close();
    return left;
  }

  it('an ALTER between changes of one transaction is told between them, once', async () => {
    await start('create table t (id int primary key, v text)');
    await database.query(
      `begin; insert into t values (1, 'a'), (2, 'b'); alter table t add column w int default 5;
       insert into t values (3, 'c', 7); update t set v = 'd' where id = 1; commit`,
    );
    await database.query(`insert into t values (4, 'e', 8)`);
    await database.query(`alter table t rename column v to x; update t set x = 'f' where id = 4`);
    expect(await story()).toEqual([
      'shape t id,v',
      'I t 1,a',
      'I t 2,b',
      'ddl ALTER TABLE table public.t',
      'shape t id,v,w',
      'I t 3,c,7',
      'U t 1,d,5',
      'I t 4,e,8',
      'ddl ALTER TABLE table column public.t.x',
      'shape t id,x,w',
      'U t 4,f,8',
    ]);
  });

  it('an ALTER inside a large transaction keeps its place among its messages', async () => {
    await start('create table t (id int primary key, v text)');
    await database.query(
      `begin; insert into t select g, repeat('v', 100) from generate_series(1, 20000) g;
       alter table t drop column v, add column w text;
       insert into t select g, 'w' from generate_series(20001, 40000) g; commit`,
    );
    const told = await story();
    expect(told.length).toBe(40_000 + 4);
    expect(told[0]).toBe('shape t id,v');
    expect(told.slice(20_001, 20_004)).toEqual([
      'ddl ALTER TABLE table column public.t.v',
      'ddl ALTER TABLE table public.t',
      'shape t id,w',
    ]);
    const ends = ((await mirror?.messages()) ?? []).filter((m) => m.commit?.lines.length);
    expect(ends[0]?.commit?.lines).toHaveLength(1);
  });

  it('DDL of a subtransaction that was rolled back is not told', async () => {
    await start('create table t (id int primary key, v text)');
    await database.query(
      `begin; insert into t values (1, 'a'); savepoint s; alter table t add column w int;
       insert into t values (2, 'b', 3); create index on t (w); rollback to s; insert into t values (3, 'c');
       savepoint r; alter table t add column x int; release r; insert into t values (4, 'd', 5); commit`,
    );
    expect(await story()).toEqual([
      'shape t id,v',
      'I t 1,a',
      'I t 3,c',
      'ddl ALTER TABLE table public.t',
      'shape t id,v,x',
      'I t 4,d,5',
    ]);
  });

  it('a truncate in the new shape comes after it, and a restart tells the shape again', async () => {
    await start('create table t (id int primary key)');
    await database.query(`insert into t values (1)`);
    await database.query(
      `begin; alter table t add column w int; truncate t; insert into t values (2, 3); commit`,
    );
    const before = await story();
    expect(before).toEqual([
      'shape t id',
      'I t 1',
      'ddl ALTER TABLE table public.t',
      'shape t id,w',
      'T t',
      'I t 2,3',
    ]);
    await mirror?.stop();
    mirror?.start();
    await database.query('delete from t');
    const after = await until(
      async () => {
        const told = storyOf((await mirror?.messages()) ?? []).slice(before.length + 1);
        return told.length >= 3 ? told : undefined;
      },
      { what: 'the rows after the restart' },
    );
    expect(after[0]).toBe('shape t id,w');
  });

  it('changes that no row shows are told by DDL marks with the table that they belong to', async () => {
    await start(
      `create table t (id int primary key, v text); create type mood as enum ('good');
       create schema "Other s"; create table "Other s"."T 2" (id serial primary key);
       create table lost (id int primary key, n int); create index lost_n on lost (n)`,
    );
    for (const sql of [
      'create index "T v" on t (v)',
      `comment on column t.v is 'a value that stays at home'`,
      `alter type mood add value 'bad'`,
      `set search_path = ''; alter table "Other s"."T 2" add column n int default 5, add check (n > 0); reset search_path`,
      'create index concurrently on t (id, v)',
      'drop index "T v"',
      'drop table lost',
      "alter table t alter v set default 'x'",
      'alter sequence "Other s"."T 2_id_seq" increment 5',
      'create statistics st on id, v from t',
      'comment on type mood is null',
    ]) {
      await database.query(sql);
    }
    const marks = await ddlMarks();
    const t = { schema: 'public', table: 't' };
    const other = { schema: 'Other s', table: 'T 2' };
    expect(
      marks.map(({ tag, objects }) => [
        tag,
        ...objects.map((o) => [o.type, o.identity, o.table, ...(o.dropped ? ['dropped'] : [])]),
      ]),
    ).toEqual([
      ['CREATE INDEX', ['index', 'public."T v"', t]],
      ['COMMENT', ['table column', 'public.t.v', t]],
      ['ALTER TYPE', ['type', 'public.mood', undefined]],
      ['ALTER TABLE', ['table', '"Other s"."T 2"', other]],
      ['CREATE INDEX', ['index', 'public.t_id_v_idx', t]],
      ['DROP INDEX', ['index', 'public."T v"', undefined, 'dropped']],
      ['DROP TABLE', ['table', 'public.lost', { schema: 'public', table: 'lost' }, 'dropped']],
      ['ALTER TABLE', ['table', 'public.t', t]],
      ['ALTER SEQUENCE', ['sequence', '"Other s"."T 2_id_seq"', other]],
      ['CREATE STATISTICS', ['statistics object', 'public.st', t]],
      ['COMMENT', ['type', 'public.mood', undefined]],
    ]);
    expect(JSON.stringify(marks)).not.toContain('stays at home');
    expect(marks[3]?.search_path).toBe('""');
    expect(marks[0]?.role).toBe(database.user);
  });

  it('a change of a partition is told under the name that the mirror knows', async () => {
    await start(
      `create table t (id int primary key, v text) partition by range (id);
       create table t_low partition of t for values from (0) to (1000000);
       create table other (id int) partition by range (id)`,
    );
    await database.query('create index low_v on t_low (v)');
    await database.query(
      'create table t_high partition of t for values from (1000000) to (2000000)',
    );
    await database.query('create table other_low partition of other for values from (0) to (9)');
    const tables = (await ddlMarks()).map(({ objects }) => objects[0]?.table?.table);
    expect(tables).toEqual(['t', 't', 'other_low']);
  });

  it('temporary objects, views, grants and rebuilt indexes are not told', async () => {
    await start('create table t (id int primary key, v text)');
    await database.query(
      `create temporary table gone (id int primary key, v text); create index on gone (v); alter table gone add column w int;
       drop table gone; create view seen as select 1 as one; create function f() returns int language sql as 'select 1';
       grant select on t to public; reindex table t; drop view seen`,
    );
    expect(await story()).toEqual(['shape t id,v']);
  });

  it('DDL of a role without any right on BunnyDB works and is told, whatever its search path is', async () => {
    const role = `plain_${database.name}`;
    await start('create table t (id int primary key, v text)');
    await database.query(
      `create role ${role}; create schema theirs authorization ${role};
       create function theirs.current_setting(text) returns text language plpgsql as $$ begin raise exception 'not mine'; end $$`,
    );
    await database.query(
      `begin; set local role ${role}; set local search_path = theirs, pg_catalog; create table own (id int); commit`,
    );
    const marks = await ddlMarks();
    expect(marks.at(-1)).toMatchObject({
      tag: 'CREATE TABLE',
      role,
      search_path: 'theirs, pg_catalog',
      objects: [{ type: 'table', identity: 'theirs.own' }],
    });
    const [path] = await database.query<{ search_path: string }>('show search_path');
    expect(path?.search_path).toContain('public');
    await database.query(`drop owned by ${role} cascade; drop role ${role}`);
  });

  it('a trigger that cannot tell leaves the command and the search path as they are', async () => {
    const role = `muted_${database.name}`;
    await start('create table t (id int primary key, v text)');
    await database.query(
      `create role ${role}; create schema theirs authorization ${role};
       do $$ declare f regprocedure; begin
         for f in select oid from pg_proc where proname = 'pg_logical_emit_message' loop
           execute format('revoke execute on function %s from public', f);
         end loop; end $$`,
    );
    const [found] = await database.query<{ path: string; made: boolean }>(
      `begin; set local role ${role}; set local search_path = theirs; create table own (id int);
       create table own_2 (id int); select current_setting('search_path') as path, to_regclass('own_2') is not null as made
         into temporary seen; commit; select * from seen`,
    );
    expect(found).toEqual({ path: 'theirs', made: true });
    // The superuser's own command is the last that was told.
    expect((await ddlMarks()).map(({ tag }) => tag)).toEqual(['CREATE SCHEMA']);
    await database.query(`drop owned by ${role} cascade; drop role ${role}`);
  });

  it('a command that touches thousands of objects is told within a message', async () => {
    await start(
      `create table t (id int primary key, v text); create schema many;
       do $$ begin for i in 1..300 loop execute format('create table many.%I ()', repeat('"', 50) || i); end loop; end $$`,
    );
    await database.query('drop schema many cascade');
    const last = (await ddlMarks()).at(-1);
    expect(last?.tag).toBe('DROP SCHEMA');
    expect((last?.objects.length ?? 0) + (last?.objects_left ?? 0)).toBe(301);
    expect(last?.objects.length).toBeGreaterThan(20);
  });

  it('each mirror hears only its own trigger, and the last to go leaves nothing', async () => {
    const first = await start('create table t (id int primary key, v text)');
    const second = await CapturedMirror.prepare(testNatsUrl(), database, { tables: ['public.t'] });
    second.start();
    await database.query('alter table t add column w int');
    expect(await ddlMarks()).toHaveLength(1);
    await second.close();
    expect(await clean(second.spec)).toEqual([]);
    expect(await traces()).toHaveLength(4);
    await database.query('alter table t drop column w');
    expect(await ddlMarks()).toHaveLength(3);
    await first.stop();
    expect(await clean(first.spec)).toEqual([]);
    expect(await clean(first.spec)).toEqual([]);
    expect(await traces()).toEqual([]);
  });

  it('a schema that holds bookkeeping of a destination stays', async () => {
    const only = await start(
      'create table t (id int primary key); create schema _bunny; create table _bunny.position (id int)',
    );
    await only.stop();
    await clean(only.spec);
    expect(await traces()).toEqual(['_bunny']);
  });

  async function traces(): Promise<string[]> {
    const rows = await database.query<{ name: string }>(
      `select evtname::text as name from pg_event_trigger
       union all select nspname::text from pg_namespace where nspname = '_bunny'
       union all select proname::text from pg_proc where pronamespace = to_regnamespace('_bunny')`,
    );
    return rows.map(({ name }) => name);
  }
});
