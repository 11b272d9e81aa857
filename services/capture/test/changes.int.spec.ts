import { type TestDatabase, createDatabase, until } from '@bunnydb/testkit';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CapturedMirror } from './mirror-fixture.js';
import { testNatsUrl } from './nats-url.js';
import type { Change } from './stored-changes.js';

describe('what the source commits reaches the change stream', () => {
  let database: TestDatabase;
  let mirror: CapturedMirror | undefined;

  beforeEach(async () => {
    database = await createDatabase({ prefix: 'capture' });
  });
  afterEach(async () => {
    await mirror?.close();
    mirror = undefined;
    await database.drop();
  });

  async function start(tables: readonly string[], ddl: string): Promise<CapturedMirror> {
    await database.query(ddl);
    mirror = await CapturedMirror.prepare(testNatsUrl(), database, { tables });
    mirror.start();
    return mirror;
  }

  async function changes(count: number): Promise<Change[]> {
    return until(
      async () => {
        if (mirror?.failure) throw mirror.failure;
        const found = (await mirror?.changes()) ?? [];
        return found.length >= count ? found : undefined;
      },
      { what: `${count} changes` },
    );
  }

  it('inserts, updates and deletes come in source order with their values', async () => {
    await start(['public.users'], 'create table users (id int primary key, name text, note text)');
    await database.query(
      `begin; insert into users values (1, 'Ann', null), (2, E'tab\\tnew\\nline\\\\', '');
       update users set name = 'Anna' where id = 1; delete from users where id = 2; commit`,
    );
    const found = await changes(4);
    expect(found.map((change) => [change.op, change.columns])).toEqual([
      ['I', ['1', 'Ann', null]],
      ['I', ['2', 'tab\tnew\nline\\', '']],
      ['U', ['1', 'Anna', null]],
      ['D', ['2', null, null]],
    ]);
  });

  it('a changed key and a full identity carry the old values', async () => {
    await start(
      ['public.a', 'public.b'],
      `create table a (id int primary key, v text); create table b (x int, y text);
       alter table b replica identity full`,
    );
    await database.query(
      `insert into a values (1, 'one'); update a set id = 2;
       insert into b values (1, null); update b set y = 'why'; delete from b`,
    );
    const found = await changes(5);
    expect(found.map((c) => [c.table, c.op, c.columns, c.old])).toEqual([
      ['public.a', 'I', ['1', 'one'], []],
      ['public.a', 'U', ['2', 'one'], ['1']],
      ['public.b', 'I', ['1', null], []],
      ['public.b', 'U', ['1', 'why'], ['1', null]],
      ['public.b', 'D', ['1', 'why'], []],
    ]);
  });

  it('an unchanged TOAST value is named instead of sent', async () => {
    await start(['public.t'], 'create table t (id int primary key, n int, big text, m int)');
    await database.query(`alter table t alter big set storage external`);
    await database.query(`insert into t values (1, 1, repeat('x', 100000), 1)`);
    await database.query(`update t set n = 2`);
    const found = await changes(2);
    expect(found[0]?.columns[2]).toHaveLength(100_000);
    expect(found[1]).toMatchObject({ op: 'U', unchanged: '3', columns: ['1', '2', null, '1'] });
  });

  it('a truncate of several tables keeps its place and its flags', async () => {
    await start(
      ['public.p', 'public.c'],
      `create table p (id int primary key); create table c (id int primary key references p)`,
    );
    await database.query(
      `insert into p values (1); truncate p restart identity cascade; insert into p values (2)`,
    );
    const found = await changes(4);
    expect(found.map((c) => [c.table, c.op])).toEqual([
      ['public.p', 'I'],
      ['public.p', 'Tcr'],
      ['public.c', 'Tcr'],
      ['public.p', 'I'],
    ]);
    const messages = (await mirror?.messages()) ?? [];
    const segments = messages.flatMap((m) => (m.table ? [m.table.segment] : []));
    // The marks of the two tables have segments of their own.
    expect(segments).toEqual([1, 3, 3, 4]);
  });

  it('a savepoint that was rolled back leaves nothing', async () => {
    await start(['public.s'], 'create table s (id int primary key)');
    await database.query(
      `begin; insert into s values (1); savepoint a; insert into s values (2); rollback to a;
       insert into s values (3); commit`,
    );
    const found = await changes(2);
    expect(found.map((c) => c.columns[0])).toEqual(['1', '3']);
  });

  it('a changed table starts a new segment with its new columns', async () => {
    await start(['public.d'], 'create table d (id int primary key, a text)');
    await database.query(
      `begin; insert into d values (1, 'a'); alter table d add column b int; insert into d values (2, 'b', 3); commit`,
    );
    const found = await changes(2);
    expect(found.map((c) => c.columns)).toEqual([
      ['1', 'a'],
      ['2', 'b', '3'],
    ]);
  });

  it('excluded columns and rows outside of the filter stay at the source', async () => {
    await database.query('create table e (id int primary key, secret text, kind int)');
    const spec = {
      tables: [
        {
          source: { schema: 'public', table: 'e' },
          destination: { schema: 'public', table: 'e' },
          exclude_columns: ['secret'],
          row_filter: 'id > 10',
        },
      ],
    };
    mirror = await CapturedMirror.prepare(testNatsUrl(), database, { tables: [], spec });
    mirror.start();
    await database.query(`insert into e values (1, 'x', 1), (11, 'y', 2)`);
    const found = await changes(1);
    expect(found.map((c) => c.columns)).toEqual([['11', '2']]);
  });

  it('a publication of the user is not altered, and tables beside the mirror are left out', async () => {
    await database.query(
      `create table wanted (id int primary key, secret text); create table other (id int primary key);
       create publication theirs for table wanted, other`,
    );
    const spec = {
      publication_name: 'theirs',
      own_publication: true,
      tables: [
        {
          source: { schema: 'public', table: 'wanted' },
          destination: { schema: 'public', table: 'wanted' },
          exclude_columns: ['secret'],
        },
      ],
    };
    mirror = await CapturedMirror.prepare(testNatsUrl(), database, { tables: [], spec });
    mirror.start();
    await database.query(`insert into other values (1); insert into wanted values (2, 'x')`);
    const found = await changes(1);
    expect(found.map((c) => [c.table, c.columns])).toEqual([['public.wanted', ['2']]]);
  });

  it('a row larger than a message is split and joins to what it was', async () => {
    await start(['public.big'], 'create table big (id int primary key, a text, b text, c text)');
    await database.query(
      `alter table big alter a set storage external, alter c set storage external`,
    );
    await database.query(
      `insert into big values (1, repeat(E'a\\n', 900000), 'mid', repeat('c', 3000000)), (2, 'x', 'y', 'z')`,
    );
    await database.query(`update big set a = repeat(E'\\\\', 1500000), b = 'new' where id = 1`);
    await database.query(`alter table big replica identity full`);
    await database.query(`update big set b = 'full', c = repeat('d', 2000000) where id = 1`);
    await database.query(`delete from big where id = 1`);
    const found = await changes(5);
    expect(found[0]?.columns).toEqual(['1', 'a\n'.repeat(900_000), 'mid', 'c'.repeat(3_000_000)]);
    expect(found[1]?.columns).toEqual(['2', 'x', 'y', 'z']);
    expect(found[2]).toMatchObject({ op: 'U', unchanged: '4', old: [] });
    expect(found[2]?.columns).toEqual(['1', '\\'.repeat(1_500_000), 'new', null]);
    expect(found[3]?.columns).toEqual(['1', null, 'full', 'd'.repeat(2_000_000)]);
    expect(found[3]?.unchanged).toBe('2');
    expect(found[3]?.old).toEqual(['1', '\\'.repeat(1_500_000), 'new', 'c'.repeat(3_000_000)]);
    expect(found[4]?.op).toBe('D');
    expect(found[4]?.columns[3]).toBe('d'.repeat(2_000_000));
  });

  it('a transaction larger than a batch ends with one commit message', async () => {
    await start(['public.l'], 'create table l (id int primary key, v text)');
    await database.query(
      `insert into l select g, repeat('v', 100) from generate_series(1, 30000) g`,
    );
    const found = await changes(30_000);
    expect(found.map((c) => Number(c.columns[0]))).toEqual(
      Array.from({ length: 30_000 }, (_, index) => index + 1),
    );
    const messages = (await mirror?.messages()) ?? [];
    expect(messages.filter((m) => m.commit && m.commit.lines.length > 0)).toHaveLength(1);
    expect(messages.filter((m) => m.table).length).toBeGreaterThan(4);
  });

  it('logical messages are passed over', async () => {
    await start(['public.m'], 'create table m (id int primary key)');
    await database.query(`select pg_logical_emit_message(false, 'other', repeat('x', 3000000))`);
    await database.query(`select pg_logical_emit_message(true, 'bunny', 'beat')`);
    await database.query(`select pg_logical_emit_message(false, 'bunny', 'beat')`);
    await database.query(`insert into m values (1)`);
    expect(await changes(1)).toHaveLength(1);
  });

  it('rows of a partitioned table come under the name of its root', async () => {
    await start(
      ['public.parted'],
      `create table parted (id int, v text, primary key (id)) partition by range (id);
       create table parted_a partition of parted for values from (0) to (10);
       create table parted_b partition of parted for values from (10) to (20)`,
    );
    await database.query(
      `insert into parted values (1, 'a'), (11, 'b'); update parted set id = 12 where id = 1`,
    );
    const found = await changes(4);
    expect(new Set(found.map((c) => c.table))).toEqual(new Set(['public.parted']));
  });
});
