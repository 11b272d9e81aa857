import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { DatabasePair } from '../src/database-pair.js';
import { samePair } from '@bunnydb/testkit';
import type { MirrorFixture } from '../src/mirror-fixture.js';
import { type Stack, startStack } from '../src/stack.js';

describe('replication', () => {
  let stack: Stack;
  beforeAll(async () => {
    stack = await startStack('replication');
  });
  afterAll(() => stack?.stop());

  describe('a mirror from its creation to its end', () => {
    const SCHEMA = `
      create table item (id integer primary key, name text not null, price numeric(10,2), tags text[]);
      create table ordered (b text, a integer primary key, c timestamptz);
      create table renamed (id integer primary key, v text);
      create table unlisted (id integer primary key);
      create table subset_of_columns (id integer primary key, secret text, v text);
    `;
    const DESTINATION = `
      create table item (id integer primary key, name text not null, price numeric(10,2), tags text[]);
      create table ordered (c timestamptz, extra text default 'here', a integer primary key, d integer default 7, b text);
      create index on ordered (b);
      create schema other;
      create table other.new_name (v text, id bigint primary key);
      create table unlisted (id integer primary key);
    `;
    const ROWS = `
      insert into item select i, 'item ' || i, i / 7.0, array['a', null, i::text] from generate_series(1, 500) i;
      insert into ordered select 'b' || i, i, '2024-01-01' from generate_series(1, 500) i;
      insert into renamed select i, 'v' || i from generate_series(1, 500) i;
      insert into unlisted select i from generate_series(1, 500) i;
      insert into subset_of_columns select i, 'secret', 'v' from generate_series(1, 500) i;
    `;
    const tables = [
      samePair('public', 'item'),
      { ...samePair('public', 'ordered'), columns: ['a', 'b', 'c'] },
      {
        source: { schema: 'public', table: 'renamed' },
        destination: { schema: 'other', table: 'new_name' },
      },
      { ...samePair('public', 'subset_of_columns'), columns: ['id', 'v'] },
    ];
    let pair: DatabasePair;
    let mirror: MirrorFixture;

    beforeAll(async () => {
      pair = await stack.createPair({ source: SCHEMA + ROWS, destination: DESTINATION });
      mirror = await pair.createMirror({
        table_mappings: [
          'public.item',
          { source_table: 'public.ordered', destination_table: 'public.ordered' },
          { source_table: 'public.renamed', destination_table: 'other.new_name' },
          {
            source_schema: 'public',
            source_table: 'subset_of_columns',
            destination_schema: 'public',
            destination_table: 'subset_of_columns',
            exclude_columns: ['secret'],
          },
        ],
      });
      await mirror.waitForStatus('running');
    });

    test('what exists is copied, into other names, another column order and beside extra columns', () =>
      mirror.waitForEqual(tables));

    test('inserts, updates and deletes are streamed, and the extra columns take their defaults', async () => {
      await pair.source.query(`
        insert into item select i, 'item ' || i, null, '{}' from generate_series(501, 600) i;
        update item set price = price + 1, name = upper(name) where id % 3 = 0;
        delete from item where id % 10 = 0;
        insert into ordered select 'new', i, now() from generate_series(501, 510) i;
        update ordered set b = null where a % 5 = 0;
        delete from ordered where a % 11 = 0;
        insert into renamed values (1001, 'new');
        update renamed set v = 'changed', id = id + 5000 where id < 20;
        insert into subset_of_columns values (1001, 'still secret', 'new');
        update subset_of_columns set secret = 'other', v = 'changed' where id < 10;
        insert into unlisted values (1001);`);
      await mirror.waitForEqual(tables);
      const extra = await pair.destination.query(
        `select count(*)::integer as n from ordered where extra is distinct from 'here' or d is distinct from 7`,
      );
      expect(extra.rows[0]).toEqual({ n: 0 });
    });

    test('a table that is not listed stays as it is', async () => {
      const { rows } = await pair.destination.query('select count(*)::integer as n from unlisted');
      expect(rows[0]).toEqual({ n: 0 });
    });

    test('an excluded column never reaches the destination', async () => {
      const { rows } = await pair.destination.query(
        `select attname from pg_attribute where attrelid = 'subset_of_columns'::regclass and attnum > 0 and not attisdropped order by 1`,
      );
      expect(rows).toEqual([{ attname: 'id' }, { attname: 'v' }]);
    });

    test('what is written during a pause arrives after it', async () => {
      await stack.api.pause(mirror.name);
      await mirror.waitForStatus('paused');
      await pair.source.query(
        `insert into item select i, 'paused', 0, null from generate_series(2001, 2100) i; delete from item where id < 50`,
      );
      await stack.api.resume(mirror.name);
      await mirror.waitForStatus('running');
      await mirror.waitForEqual(tables);
    });

    test('a delete leaves no slot, publication, stream or bookkeeping behind, and keeps the tables', async () => {
      const view = await mirror.view();
      await mirror.remove();
      const slots = await pair.source.query(
        'select slot_name from pg_replication_slots where slot_name = $1',
        [view.slot_name],
      );
      const publications = await pair.source.query(
        'select pubname from pg_publication where pubname = $1',
        [view.publication_name],
      );
      const positions = await pair.destination.query(
        `select to_regclass('_bunny.position') is null as gone`,
      );
      const left =
        positions.rows[0]?.gone === true
          ? []
          : (
              await pair.destination.query(
                'select mirror_name from _bunny.position where mirror_name = $1',
                [mirror.name],
              )
            ).rows;
      const kept = await pair.destination.query('select count(*)::integer as n from item');
      expect({
        slots: slots.rows,
        publications: publications.rows,
        positions: left,
        streams: await stack.changeStreams(),
      }).toEqual({ slots: [], publications: [], positions: [], streams: [] });
      expect(kept.rows[0]?.n).toBeGreaterThan(0);
    });
  });

  test('TRUNCATE arrives, of one table and of several with foreign keys, with CASCADE and RESTART IDENTITY', async () => {
    const schema = `
      create table alone (id integer primary key);
      create table parent (id integer generated by default as identity primary key, v text);
      create table child (id integer primary key, parent_id integer references parent (id));
      create table unrelated (id integer primary key);`;
    const tables = ['alone', 'parent', 'child', 'unrelated'].map((name) =>
      samePair('public', name),
    );
    const pair = await stack.createPair({
      source: `${schema}
        insert into alone select generate_series(1, 100);
        insert into parent select i, 'v' from generate_series(1, 100) i;
        insert into child select i, i from generate_series(1, 100) i;
        insert into unrelated select generate_series(1, 10);`,
      destination: schema,
    });
    const mirror = await pair.createMirror({ all_tables: true });
    await mirror.waitForStatus('running');
    for (const statement of [
      'truncate alone',
      'begin; insert into alone select generate_series(1, 50); truncate alone; insert into alone values (7); commit',
      'truncate parent restart identity cascade',
      `begin; insert into parent (v) values ('again'); insert into child values (1, 1); commit`,
      'truncate child, parent',
      'begin; truncate unrelated; rollback',
      `begin; insert into unrelated select generate_series(100, 120); truncate unrelated, alone; insert into unrelated values (1); update unrelated set id = 2; commit`,
    ]) {
      await pair.source.query(statement);
      await mirror.waitForEqual(tables);
    }
  });

  test('a rewrite of a table in the middle of a transaction changes nothing at the destination', async () => {
    const schema = `create table rewritten (id integer primary key, v text, big text); alter table rewritten alter column big set storage external;`;
    const tables = [samePair('public', 'rewritten')];
    const pair = await stack.createPair({
      source: `${schema} insert into rewritten select i, 'v' || i, repeat('b', 9000) from generate_series(1, 200) i;`,
      destination: schema,
    });
    const mirror = await pair.createMirror({ all_tables: true });
    await mirror.waitForStatus('running');
    for (const statement of [
      `begin; insert into rewritten values (1001, 'before'); alter table rewritten alter column v type text using v || ''; insert into rewritten values (1002, 'after'); update rewritten set v = 'x' where id < 10; commit`,
      'vacuum full rewritten',
      'cluster rewritten using rewritten_pkey',
      `begin; update rewritten set v = 'y' where id < 5; alter table rewritten alter column big type text using substr(big, 1); update rewritten set v = 'z' where id = 3; commit`,
      `update rewritten set v = 'after the rewrites' where id % 2 = 0`,
    ]) {
      await pair.source.query(statement);
      await mirror.waitForEqual(tables);
    }
    // A new column on both sides, the destination first, in one transaction with rows before and after it.
    await pair.destination.query('alter table rewritten add column c integer not null default 0');
    await pair.source.query(
      `begin; insert into rewritten values (2001, 'before'); alter table rewritten add column c integer not null default 0; insert into rewritten values (2002, 'after', null, 5); update rewritten set c = id where id < 20; commit`,
    );
    await mirror.waitForEqual(tables);
  });

  test('a destination whose columns have other, compatible types is copied and streamed as text', async () => {
    const pair = await stack.createPair({
      source: `
        create type shade as enum ('light', 'dark');
        create table widened (id integer primary key, n smallint, t varchar(10), j json, m numeric(8,2), e shade, a shade[], acl aclitem);
        insert into widened select i, i, 'v' || i, '{"a": 1}', i / 3.0, 'dark', '{light,NULL}', 'postgres=r/postgres' from generate_series(1, 300) i;`,
      destination: `
        create type filler as enum ('x');
        create type shade as enum ('dark', 'light');
        create table widened (id bigint primary key, n integer, t text, j text, m numeric, e text, a text[], acl aclitem);`,
    });
    const mirror = await pair.createMirror({ all_tables: true });
    await mirror.waitForStatus('running');
    await mirror.waitForEqual([samePair('public', 'widened')]);
    await pair.source.query(
      `insert into widened values (1001, 1, 't', '[]', 1.5, 'light', '{}', null); update widened set n = n + 1, e = 'light' where id % 2 = 0; delete from widened where id % 5 = 0`,
    );
    await mirror.waitForEqual([samePair('public', 'widened')]);
  });

  test('an idle mirror follows a source whose changes do not concern it, and its slot does too', async () => {
    const pair = await stack.createPair({
      source: 'create table t (id integer primary key); create table busy (id integer, v text)',
    });
    const mirror = await pair.createMirror({ table_mappings: ['public.t'] });
    const { slot_name: slot } = await mirror.waitForStatus('running');
    await pair.source.query(
      `insert into busy select i, repeat('x', 100) from generate_series(1, 20000) i`,
    );
    const { rows } = await pair.source.query('select pg_current_wal_flush_lsn()::text as lsn');
    await pair.until(async () => {
      const behind = await pair.source.query(
        'select confirmed_flush_lsn >= $2::pg_lsn as reached from pg_replication_slots where slot_name = $1',
        [slot, rows[0]?.lsn],
      );
      return behind.rows[0]?.reached === true;
    }, 'the slot to pass what is of no concern');
    await mirror.waitForEqual([samePair('public', 't')]);
  });

  test('logical messages of others pass by, in and out of transactions', async () => {
    const pair = await stack.createPair({ source: 'create table t (id integer primary key)' });
    const mirror = await pair.createMirror({ all_tables: true });
    await mirror.waitForStatus('running');
    await pair.source.query(`
      begin;
      insert into t values (1);
      select pg_logical_emit_message(true, 'other', 'inside');
      select pg_logical_emit_message(false, 'other', 'not part of it');
      select pg_logical_emit_message(true, 'bunny', 'not a known one');
      select pg_logical_emit_message(true, 'bunny.ddl', '{"not": "what you think"');
      insert into t values (2);
      commit;
      begin;
      select pg_logical_emit_message(true, 'other', repeat('x', 3000000));
      commit;
      begin;
      insert into t values (3);
      select pg_logical_emit_message(false, 'other', 'of a transaction that is rolled back');
      rollback;`);
    await mirror.waitForEqual([samePair('public', 't')]);
  });

  test('a value that the destination column cannot hold holds its table without telling the value, and it goes on once the column is wider', async () => {
    const pair = await stack.createPair({
      source: `create table widened (id integer primary key, n bigint);
        create table other (id integer primary key);
        insert into widened values (1, 1);`,
      destination: 'create table widened (id integer primary key, n integer);',
    });
    const mirror = await pair.createMirror({
      table_mappings: ['public.widened', 'public.other'],
      // Else the column would be widened at once, or the table held until somebody does.
      schema_changes: 'ignore',
    });
    await mirror.waitForStatus('running');
    await pair.source.query('insert into widened values (2, 3000000000), (3, 3)');
    const { error_message } = await mirror.waitForTable('public.widened', 'error');
    expect(error_message).toContain('a value was refused');
    expect(error_message).not.toContain('3000000000');
    const { rows } = await pair.destination.query('select id from widened');
    expect(rows).toEqual([{ id: 1 }]);
    await pair.source.query('insert into other values (1)');
    await mirror.waitForEqual([samePair('public', 'other')]);
    await pair.destination.query('alter table widened alter column n type bigint');
    await mirror.retryTable('public.widened');
    await mirror.waitForEqual([samePair('public', 'widened')]);
  });
});
