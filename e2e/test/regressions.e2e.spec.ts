import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { samePair } from '@bunnydb/testkit';
import { type Stack, startStack } from '../src/stack.js';

/** What has broken logical replication in PostgreSQL's own history. */
describe('regressions known from PostgreSQL', () => {
  let stack: Stack;
  beforeAll(async () => {
    stack = await startStack('regressions');
  });
  afterAll(() => stack?.stop());

  test('temporary and unlogged tables of a mirrored database are left out and do no harm', async () => {
    const pair = await stack.createPair({
      source: `
        create table logged (id integer primary key);
        create unlogged table unlogged_one (id integer primary key);
        create temporary table temporary_one (id integer primary key);
        insert into unlogged_one values (1);`,
    });
    const mirror = await pair.createMirror({ all_tables: true });
    await mirror.waitForStatus('running');
    await pair.source.query(`
      begin;
      insert into logged values (1);
      insert into unlogged_one values (2);
      insert into temporary_one values (3);
      truncate unlogged_one;
      create temporary table another (id integer) on commit drop;
      insert into another values (4);
      commit;
      insert into logged values (2)`);
    await mirror.waitForEqual([samePair('public', 'logged')]);
    const { rows } = await pair.destination.query(
      `select to_regclass('unlogged_one') is null as absent`,
    );
    expect(rows).toEqual([{ absent: true }]);
  });

  test('predicates and expressions of the destination’s indexes are evaluated by the apply', async () => {
    const schema = 'create table indexed (id integer primary key, v text, n integer);';
    const pair = await stack.createPair({
      source: schema,
      destination: `${schema}
        create function is_even(n integer) returns boolean immutable language plpgsql as
          $$ begin perform 1 from pg_catalog.pg_class limit 1; return n % 2 = 0; end $$;
        create index on indexed (id) where is_even(n);
        create index on indexed (lower(v), is_even(n));`,
    });
    const mirror = await pair.createMirror({ all_tables: true });
    await mirror.waitForStatus('running');
    await pair.source.query(`
      insert into indexed select i, 'V' || i, i from generate_series(1, 200) i;
      update indexed set n = n + 1;
      delete from indexed where id % 3 = 0`);
    await mirror.waitForEqual([samePair('public', 'indexed')]);
  });

  test('the replica identity is switched to another index, to FULL and back while rows change', async () => {
    const schema = `
      create table switched (id integer primary key, code text not null, v integer);
      create unique index switched_code on switched (code);`;
    const pair = await stack.createPair({
      source: `${schema} insert into switched select i, 'code ' || i, i from generate_series(1, 100) i;`,
      destination: schema,
    });
    const mirror = await pair.createMirror({ all_tables: true });
    await mirror.waitForStatus('running');
    const tables = [samePair('public', 'switched')];
    await pair.source.query(`update switched set v = 1 where id < 10;
      alter table switched replica identity using index switched_code;
      update switched set v = 2 where id between 10 and 19;
      update switched set id = id + 1000 where id between 20 and 29;
      delete from switched where id between 30 and 39`);
    await mirror.waitForEqual(tables);
    await pair.source.query(`begin;
      update switched set v = 3 where id between 40 and 49;
      alter table switched replica identity full;
      update switched set code = code || '!' where id between 50 and 59;
      delete from switched where id between 60 and 69;
      alter table switched replica identity default;
      update switched set code = code || '?', v = 4 where id between 70 and 79;
      commit`);
    await mirror.waitForEqual(tables);
  });

  test('dropped columns and columns added with a default are right under REPLICA IDENTITY FULL', async () => {
    const before = `create table altered (a integer, gone text, b text); alter table altered replica identity full;`;
    const pair = await stack.createPair({
      source: `${before}
        insert into altered select i % 5, 'gone', 'b' || i % 3 from generate_series(1, 60) i;
        alter table altered drop column gone;
        alter table altered add column added integer not null default 7, add column late text default 'late';
        insert into altered values (100, 'new', 1, null);`,
      destination: `create table altered (late text, a integer, dropped_here integer, b text, added integer);
        alter table altered drop column dropped_here;`,
    });
    const mirror = await pair.createMirror({ all_tables: true });
    await mirror.waitForStatus('running');
    await pair.source.query(`
      update altered set b = 'changed' where ctid = (select min(ctid) from altered where a = 1);
      delete from altered where ctid = (select min(ctid) from altered where a = 2);
      update altered set added = added + 1 where a = 3;
      delete from altered where a = 100`);
    await mirror.waitForEqual([samePair('public', 'altered')]);
  });

  test('what one mirror writes, copy and stream, is carried on by a second mirror behind it', async () => {
    const first = await stack.createPair({
      source: `create table cascaded (id integer primary key, v text);
        insert into cascaded select i, 'copied' from generate_series(1, 1000) i;`,
      destination: 'create table cascaded (id integer primary key, v text);',
    });
    const second = await stack.createPair({
      destination: 'create table cascaded (id integer primary key, v text);',
    });
    const tables = [samePair('public', 'cascaded')];
    // The second mirror comes first, so that even the first one's copy reaches it through the stream.
    const behind = await first.createMirrorBehind(second, { table_mappings: ['public.cascaded'] });
    await behind.waitForStatus('running');
    const front = await first.createMirror({ table_mappings: ['public.cascaded'] });
    await front.waitForStatus('running');
    await first.source.query(`
      insert into cascaded values (2000, 'streamed');
      update cascaded set v = 'changed' where id % 2 = 0;
      delete from cascaded where id % 3 = 0`);
    await front.waitForEqual(tables);
    await behind.waitForEqual(tables);
  });

  test('a schema renamed in the middle of a transaction, a new table taking the old name, holds the table with the reason', async () => {
    const pair = await stack.createPair({
      source: `create schema before_it;
        create table before_it.moved (id integer primary key, v text);
        insert into before_it.moved values (1, 'copied');`,
    });
    const mirror = await pair.createMirror({ table_mappings: ['before_it.moved'] });
    await mirror.waitForStatus('running');
    await pair.source.query(`
      begin;
      insert into before_it.moved values (2, 'before');
      alter schema before_it rename to after_it;
      create schema before_it;
      create table before_it.moved (id integer primary key, v text);
      insert into after_it.moved values (3, 'after');
      commit`);
    const { error_message, next_retry_at } = await mirror.waitForTable('before_it.moved', 'held');
    expect(error_message).toContain('renamed');
    // Trying again cannot help, so that it waits for a person.
    expect(next_retry_at).toBeNull();
    // Not even the half of the transaction that could be applied is there.
    const { rows } = await pair.destination.query('select id from before_it.moved');
    expect(rows).toEqual([{ id: 1 }]);
    await mirror.remove();
  });
});
