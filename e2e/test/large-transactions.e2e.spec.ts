import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { DatabasePair } from '../src/database-pair.js';
import { samePair } from '@bunnydb/testkit';
import type { MirrorFixture } from '../src/mirror-fixture.js';
import { type Stack, startStack } from '../src/stack.js';

const SCHEMA = `
  create table big (id integer primary key, v text, n integer);
  create table small (id integer primary key, v text);
  create table toast (id integer primary key, big text, n integer);
  alter table toast alter column big set storage external;`;
const TABLES = ['big', 'small', 'toast'].map((name) => samePair('public', name));
const MIB = 1024 * 1024;

describe('large and nested transactions', () => {
  let stack: Stack;
  let pair: DatabasePair;
  let mirror: MirrorFixture;

  beforeAll(async () => {
    stack = await startStack('large');
    pair = await stack.createPair({
      source: `${SCHEMA} insert into big select i, 'first', i from generate_series(1, 1000) i;`,
      destination: SCHEMA,
    });
    // A small decoding memory makes the server stream every transaction of some size before its commit, if it is asked to.
    await pair.source.query(
      `do $$ begin execute format('alter database %I set logical_decoding_work_mem = %L', current_database(), '64kB'); end $$`,
    );
    mirror = await pair.createMirror({ all_tables: true });
    await mirror.waitForStatus('running');
  });
  afterAll(() => stack?.stop());

  test('a transaction far larger than a batch arrives as one, in bounded memory', async () => {
    let seen = new Set<number>();
    const observing = new AbortController();
    const observer = (async () => {
      while (!observing.signal.aborted) {
        const { rows } = await pair.observer.query<{ n: number }>(
          'select count(*)::integer as n from big where id > 10000',
        );
        seen = seen.add(rows[0]?.n ?? -1);
      }
    })();
    await pair.source.query(
      `insert into big select i, repeat('x', 60), i from generate_series(10001, 210000) i`,
    );
    await mirror.waitForEqual(TABLES, 120_000);
    observing.abort();
    await observer;
    expect([...seen].sort()).toEqual([0, 200_000]);
    for (const [service, bytes] of stack.peakRss()) {
      expect(bytes, `${service} uses ${Math.round(bytes / MIB)} MiB`).toBeLessThan(300 * MIB);
    }
  });

  test('a large transaction and small ones beside it arrive in commit order', async () => {
    const other = await pair.connectSource();
    await pair.source.query('begin');
    for (let round = 0; round < 10; round += 1) {
      await pair.source.query(
        `insert into big select ${300_000 + round * 1000} + i, 'concurrent', i from generate_series(1, 1000) i`,
      );
      await other.query(
        `insert into small select ${round * 10} + i, 'beside' from generate_series(1, 5) i`,
      );
      await other.query(`update small set v = 'again' where id = ${round * 10 + 1}`);
    }
    await pair.source.query('update small set v = v || $$ by the large one $$ where id % 2 = 0');
    await pair.source.query('commit');
    await mirror.waitForEqual(TABLES);
  });

  test('a large transaction that is rolled back leaves nothing', async () => {
    await pair.source.query(
      `begin; insert into big select i, 'never', i from generate_series(400001, 420000) i; rollback`,
    );
    await mirror.waitForEqual(TABLES);
  });

  test('savepoints that are rolled back, nested and released, are as the source has them', async () => {
    await pair.source.query(`
      begin;
      insert into big select i, 'kept', i from generate_series(500001, 502000) i;
      savepoint a;
      insert into big select i, 'dropped', i from generate_series(510001, 512000) i;
      savepoint b;
      update big set v = 'dropped' where id between 500001 and 500100;
      delete from big where id between 500101 and 500200;
      rollback to b;
      insert into big select i, 'dropped too', i from generate_series(520001, 520500) i;
      rollback to a;
      insert into toast select i, repeat('t' || i, 10000), i from generate_series(1, 40) i;
      savepoint c;
      update toast set n = n + 1;
      release c;
      savepoint d;
      truncate small;
      rollback to d;
      insert into big select i, 'kept', i from generate_series(530001, 532000) i;
      commit`);
    await mirror.waitForEqual(TABLES);
  });

  test('a thousand savepoints in one transaction arrive as the source has them', async () => {
    await pair.source.query(`
      do $$ begin
        for i in 1..1000 loop
          begin
            insert into big values (600000 + i, 'savepoint', i);
            if i % 3 = 0 then raise exception 'take it back'; end if;
            update big set n = -i where id = 600000 + i - 1;
          exception when raise_exception then null;
          end;
        end loop;
      end $$`);
    await mirror.waitForEqual(TABLES);
  });

  test('toasted values in a large transaction arrive, changed and unchanged', async () => {
    await pair.source.query(`
      begin;
      insert into toast select i, repeat('u' || i, 20000), i from generate_series(101, 160) i;
      update toast set n = n + 1 where id > 100;
      update toast set big = repeat('changed', 5000) where id % 10 = 0;
      update toast set n = n + 1;
      delete from toast where id % 7 = 0;
      commit`);
    await mirror.waitForEqual(TABLES);
  });

  test('a value larger than any message arrives, by the copy and by the stream', async () => {
    const second = await stack.createPair({
      source: `create table value (id integer primary key, v text, b bytea);
        insert into value select 1, repeat('0123456789abcdef', 1310720), null;`,
    });
    const copied = await second.createMirror({ all_tables: true });
    await copied.waitForStatus('running');
    await second.source.query(`
      insert into value select 2, repeat(E'\\\\\\t\\n', 7000000), null;
      insert into value select 3, null, decode(repeat('00ff5c0a', 3000000), 'hex');
      update value set v = v || 'x' where id = 1;
      insert into value values (4, 'small', null)`);
    await copied.waitForEqual([samePair('public', 'value')]);
    for (const [service, bytes] of stack.peakRss()) {
      expect(bytes, `${service} uses ${Math.round(bytes / MIB)} MiB`).toBeLessThan(300 * MIB);
    }
  });

  test('thousands of tiny transactions arrive, none lost and none twice', async () => {
    await pair.source.query(`
      do $$ begin
        for i in 1..5000 loop
          insert into small values (100000 + i, 'tiny');
          commit;
        end loop;
      end $$`);
    await mirror.waitForEqual(TABLES);
  });
});
