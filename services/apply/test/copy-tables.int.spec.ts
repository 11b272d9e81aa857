import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CopyFixture } from './copy-fixture.js';

let fixture: CopyFixture;

beforeEach(async () => {
  fixture = await CopyFixture.open();
});

afterEach(async () => {
  await fixture.untilNothingIsLeft();
  await fixture.close();
});

describe('the copy of tables', () => {
  it('is equal to the source when many ranges of several tables run in parallel', async () => {
    for (const table of ['a', 'b', 'c']) {
      await fixture.both(`create table ${table} (id int primary key, note text, amount numeric)`);
    }
    await fixture.source.query(
      `insert into a select i, 'a ' || i, i / 7.0 from generate_series(1, 20000) i;
       insert into b select i, null, i from generate_series(1, 5000) i;
       analyze a`,
    );
    const tables = ['public.a', 'public.b', 'public.c'];
    const summary = await fixture.copy(tables, {
      options: { snapshot_num_rows_per_partition: 1000 },
    });
    expect(summary).toMatchObject({ tables: 3, rows: 25_000 });
    expect(await fixture.difference(tables)).toBe('');
    const [ledger] = await fixture.destination.query(
      `select count(*) filter (where source_table = 'a')::int as ranges, sum(rows)::int as rows,
              count(distinct copy_lsn)::int as snapshots from _bunny.copy_range`,
    );
    expect(ledger).toMatchObject({ rows: 25_000, snapshots: 1 });
    expect(Number(ledger?.['ranges'])).toBeGreaterThan(10);
    expect(await fixture.tableState('public.a')).toMatchObject({
      state: 'running',
      rows_copied: 20_000,
    });
    expect(fixture.states).toContain('public.a running 20000');
    expect(fixture.progress.filter((p) => p.table.table === 'a').at(-1)).toMatchObject({
      rowsDone: 20_000,
    });
    // The planner of the destination has seen the rows.
    const [stats] = await fixture.destination.query(
      `select reltuples::int as rows from pg_class where relname = 'a'`,
    );
    expect(stats).toEqual({ rows: 20_000 });
  });

  it('takes names of every kind, mapped to other names', async () => {
    const names = ['Capital Table', 'quote"d', 'dot.ted', 'select', 'per%cent*', 'ü–😀', `a'b\\c`];
    const quote = (name: string): string => `"${name.replaceAll('"', '""')}"`;
    await fixture.destination.query('create schema "Other Schema"');
    const tables = names.map((name) => ({
      source: { schema: 'public', table: name },
      destination: { schema: 'Other Schema', table: `${name}!` },
      exclude_columns: [],
    }));
    for (const name of names) {
      await fixture.source.query(
        `create table ${quote(name)} ("Key ""1""" int primary key, "v\\" text);
         insert into ${quote(name)} values (1, 'x'), (2, null)`,
      );
      await fixture.destination.query(
        `create table "Other Schema".${quote(`${name}!`)} ("v\\" text, "Key ""1""" int primary key)`,
      );
    }
    expect(await fixture.copy(tables)).toMatchObject({ rows: 14 });
    expect(await fixture.difference(tables)).toBe('');
  });

  it('counts the rows of a table without columns, and of one with nothing but generated columns', async () => {
    await fixture.both(
      'create table nothing (); create table made (g int generated always as (7) stored)',
    );
    await fixture.source.query(
      `insert into nothing select from generate_series(1, 5);
       insert into made select from generate_series(1, 3)`,
    );
    expect(await fixture.copy(['public.nothing', 'public.made'])).toMatchObject({ rows: 8 });
    const [counts] = await fixture.destination.query(
      'select (select count(*) from nothing)::int as nothing, (select sum(g) from made)::int as made',
    );
    expect(counts).toEqual({ nothing: 5, made: 21 });
  });

  it('carries partitions, nested and default ones, into a partitioned tree or into a plain table', async () => {
    const tree = `
      create table tree (id int, region text, note text, primary key (id, region)) partition by list (region);
      create table tree_north partition of tree for values in ('n') partition by range (id);
      create table tree_north_1 partition of tree_north for values from (0) to (500);
      create table tree_north_2 partition of tree_north for values from (500) to (10000);
      create table tree_rest partition of tree default`;
    await fixture.both(tree);
    await fixture.source.query(
      `alter table tree drop column note;
       alter table tree add column note text;
       insert into tree select i, case when i % 3 = 0 then 'n' else 's' end, 'note' from generate_series(1, 1000) i;
       create table flat_source (like tree) partition by hash (id);
       create table flat_source_0 partition of flat_source for values with (modulus 2, remainder 0);
       create table flat_source_1 partition of flat_source for values with (modulus 2, remainder 1);
       insert into flat_source select * from tree;
       create table bare (id int) partition by range (id)`,
    );
    await fixture.destination.query(
      'create table flat_source (region text, id int, note text); create table bare (id int)',
    );
    const tables = ['public.tree', 'public.flat_source', 'public.bare'];
    expect(await fixture.copy(tables)).toMatchObject({ rows: 2000 });
    expect(await fixture.difference(tables)).toBe('');
  });

  it('leaves the rows of inheriting tables to those', async () => {
    await fixture.both('create table parent (id int); create table child () inherits (parent)');
    await fixture.source.query('insert into parent values (1); insert into child values (2), (3)');
    expect(await fixture.copy(['public.parent', 'public.child'])).toMatchObject({ rows: 3 });
    const rows = await fixture.destination.query('select id from only parent order by 1');
    expect(rows).toEqual([{ id: 1 }]);
  });

  it('keeps identity values, lets the destination generate, and honours filters and excluded columns', async () => {
    const create = `create table t (
      always int generated always as identity primary key,
      by_default int generated by default as identity,
      price numeric, total numeric generated always as (price * 2) stored, secret text)`;
    await fixture.both(create);
    await fixture.source.query(
      `insert into t (price, secret) select i, 'hidden' from generate_series(1, 100) i`,
    );
    const name = { schema: 'public', table: 't' };
    await fixture.copy([
      {
        source: name,
        destination: name,
        exclude_columns: ['secret'],
        row_filter: 'always > 40 -- the rest stays at home',
      },
    ]);
    const [row] = await fixture.destination.query(
      `select count(*)::int as rows, min(always)::int as first, sum(total)::int as total,
              count(secret)::int as secrets from t`,
    );
    expect(row).toEqual({ rows: 60, first: 41, total: 8460, secrets: 0 });
  });

  it('drops no foreign key of existing tables, inbound or outbound, whose definitions and validity stay as they were', async () => {
    await fixture.both(
      'create table parent (id int primary key); create table child (id int primary key, parent int)',
    );
    await fixture.destination.query(`
      create table outside (id int primary key, child int constraint inbound references child on delete cascade deferrable initially deferred);
      create table above (id int primary key);
      insert into above values (1);
      alter table child add constraint among foreign key (parent) references parent on update cascade;
      alter table parent add constraint outbound foreign key (id) references above not valid`);
    await fixture.source.query(
      'insert into parent values (1), (2); insert into child values (1, 1), (2, 2)',
    );
    const keys = `select oid::text, conname, convalidated, condeferrable, condeferred, pg_get_constraintdef(oid) as definition
                    from pg_constraint where contype = 'f' order by conname`;
    const before = await fixture.destination.query(keys);
    await fixture.copy(['public.child', 'public.parent']);
    expect(await fixture.destination.query(keys)).toEqual(before);
    expect(await fixture.difference(['public.child', 'public.parent'])).toBe('');
  });

  it('fires no trigger and checks no foreign key, whatever the order of tables', async () => {
    await fixture.both(
      `create table parent (id int primary key);
       create table child (id int primary key, parent_id int references parent);
       alter table parent add column favourite int references child`,
    );
    await fixture.destination.query(
      `create function refuse() returns trigger language plpgsql as $$ begin raise 'fired'; end $$;
       create trigger refuse before insert or truncate on parent execute function refuse();
       create trigger refuse_row before insert on child for each row execute function refuse()`,
    );
    await fixture.source.query(
      `insert into parent select i from generate_series(1, 100) i;
       insert into child select i, i from generate_series(1, 100) i;
       update parent set favourite = id`,
    );
    expect(await fixture.copy(['public.child', 'public.parent'])).toMatchObject({ rows: 200 });
    expect(await fixture.difference(['public.child', 'public.parent'])).toBe('');
  });

  it('holds exactly the transactions that committed before copy_lsn while writers go on', async () => {
    await fixture.both('create table t (id int primary key, filler text)');
    await fixture.source.query(
      `insert into t select i, repeat('x', 500) from generate_series(1, 30000) i`,
    );
    const marks: { id: number; before: string; after: string }[] = [];
    const writer = await fixture.source.connect();
    let isDone = false;
    const writing = (async () => {
      for (let id = 100_001; !isDone; id += 1) {
        const { rows: before } = await writer.query<{ lsn: string }>(
          `insert into t values (${id}, 'late') returning pg_current_wal_insert_lsn()::text as lsn`,
        );
        const { rows: after } = await writer.query<{ lsn: string }>(
          'select pg_current_wal_insert_lsn()::text as lsn',
        );
        marks.push({ id, before: before[0]?.lsn ?? '', after: after[0]?.lsn ?? '' });
      }
    })();
    await fixture.copy(['public.t'], { options: { snapshot_num_rows_per_partition: 2000 } });
    isDone = true;
    await writing;
    await writer.end();
    const late = await fixture.destination.query<{ id: number }>(
      'select id from t where id > 100000',
    );
    const copied = new Set(late.map(({ id }) => id));
    const lsn = (await fixture.tableState('public.t'))?.['copy_lsn'];
    const [verdict] = await fixture.source.query(
      `select count(*) filter (where m.after <= $2::pg_lsn and not m.copied)::int as lost,
              count(*) filter (where m.before >= $2::pg_lsn and m.copied)::int as too_early,
              count(*) filter (where m.before >= $2::pg_lsn)::int as written_later
         from jsonb_to_recordset($1::jsonb) as m (id int, before pg_lsn, after pg_lsn, copied bool)`,
      [JSON.stringify(marks.map((mark) => ({ ...mark, copied: copied.has(mark.id) }))), lsn],
    );
    expect(verdict).toMatchObject({ lost: 0, too_early: 0 });
    expect(Number(verdict?.['written_later'])).toBeGreaterThan(0);
  });
});
