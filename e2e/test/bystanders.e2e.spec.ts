import { samePair } from '@bunnydb/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Stack, startStack } from '../src/stack.js';

const FAMILY = `
create table parent (id int primary key, name text);
create table child (id int primary key, parent int references parent on delete cascade on update cascade, note text default 'none');`;

/** Writes down what fires; ordinary triggers and rules are for the application's own writes. */
const TRIGGERS = `
create table fired (name text, op text);
create function note_firing() returns trigger language plpgsql as
  $$ begin insert into public.fired values (tg_name, lower(tg_op)); return coalesce(new, old); end $$;
create function change_row() returns trigger language plpgsql as $$ begin new.note := 'changed'; return new; end $$;
create function refuse() returns trigger language plpgsql as $$ begin return null; end $$;
create trigger ordinary_note before insert or update on child for each row execute function change_row();
create trigger ordinary_refusal before delete on child for each row execute function refuse();
create trigger replica_row after insert or update or delete on parent for each row execute function note_firing();
alter table parent enable replica trigger replica_row;
create trigger always_row after insert on child for each row execute function note_firing();
alter table child enable always trigger always_row;
create trigger off_row after insert on child for each row execute function note_firing();
alter table child disable trigger off_row;
create rule ordinary_rule as on insert to parent do also insert into public.fired values ('rule', 'insert');`;

/** What the destination has of its own, and what the source has beside its tables. */
describe('triggers, views and collations', () => {
  let stack: Stack;
  beforeAll(async () => {
    stack = await startStack('bystanders');
  });
  afterAll(() => stack?.stop());

  test('ordinary triggers, rules and foreign keys of the destination are silent, replica and always triggers fire', async () => {
    const pair = await stack.createPair({
      source: `${FAMILY} insert into parent values (1, 'a'), (2, 'b'); insert into child values (1, 1, 'x')`,
      destination: FAMILY + TRIGGERS,
    });
    const mirror = await pair.createMirror({
      table_mappings: ['public.parent', 'public.child'].map((table) => ({
        source_table: table,
        destination_table: table,
      })),
    });
    await mirror.waitForStatus('running');
    await pair.destination.query('delete from fired');
    await pair.source.query(`
      insert into parent values (3, 'c'); insert into child values (2, 3, 'y'), (3, 2, 'z');
      update parent set id = 30 where id = 3; delete from parent where id = 2; update child set note = 'w' where id = 1`);
    await mirror.waitForEqual([samePair('public', 'parent'), samePair('public', 'child')]);
    const { rows } = await pair.destination.query(
      'select name, op, count(*)::int from fired group by 1, 2 order by 1, 2',
    );
    expect(rows).toEqual([
      { name: 'always_row', op: 'insert', count: 2 },
      { name: 'replica_row', op: 'delete', count: 1 },
      { name: 'replica_row', op: 'insert', count: 1 },
      { name: 'replica_row', op: 'update', count: 1 },
    ]);
  });

  test('materialised views and views of either side are left alone and do no harm', async () => {
    const pair = await stack.createPair({
      source: `
        create table fact (id int primary key, v int); insert into fact values (1, 1);
        create materialized view summary as select count(*) as n from fact; create unique index on summary (n);
        create view plain as select * from fact`,
      destination: 'create materialized view own as select 1 as n; create unique index on own (n)',
    });
    const mirror = await pair.createMirror({ all_tables: true });
    await mirror.waitForStatus('running');
    expect((await mirror.view()).tables?.map(({ table_name }) => table_name)).toEqual([
      'public.e2e_mark',
      'public.fact',
    ]);
    await pair.source.query(`
      begin; insert into fact values (2, 2); refresh materialized view summary; insert into fact values (3, 3); commit;
      refresh materialized view concurrently summary; insert into plain values (4, 4);
      drop materialized view summary; create materialized view summary as select sum(v) from fact; update fact set v = v + 1`);
    await pair.destination.query('refresh materialized view concurrently own');
    await mirror.waitForEqual([samePair('public', 'fact')]);
    const { rows } = await pair.destination.query(
      `select to_regclass('summary') is null as no_view, to_regclass('own') is not null as own`,
    );
    expect(rows).toEqual([{ no_view: true, own: true }]);
  });

  test('keys under a nondeterministic collation find their rows, and values that differ only in case are told apart', async () => {
    const schema = `
      create collation no_case (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
      create table word (name text collate no_case primary key, n int, note text collate no_case);
      create table pair (name text collate no_case, n int); alter table pair replica identity full;
      create table tag (id int primary key, name text collate no_case unique);`;
    const pair = await stack.createPair({
      source: `${schema}
        insert into word values ('Ähre', 1, 'a'), ('Öl', 2, 'b'), ('zoo', 3, 'c'); insert into tag values (1, 'One'), (2, 'two');
        insert into pair values ('Same', 1), ('same', 1), ('SAME', 1), ('other', 2)`,
      destination: schema,
    });
    const mirror = await pair.createMirror({ all_tables: true });
    await mirror.waitForStatus('running');
    const tables = ['word', 'pair', 'tag'].map((name) => samePair('public', name));
    await mirror.waitForEqual(tables);
    await pair.source.query(`
      update word set name = 'ÄHRE' where name = 'ähre'; update word set note = 'B' where n = 2; insert into word values ('New', 4, 'd');
      begin; delete from word where name = 'ZOO'; insert into word values ('Zoo', 5, 'e'); commit;
      update pair set n = 9 where name collate "C" = 'same'; delete from pair where name collate "C" = 'SAME';
      update pair set name = 'OTHER' where n = 2;
      begin; update tag set name = 'TWO' where id = 2; delete from tag where id = 1; insert into tag values (3, 'ONE'); commit`);
    await mirror.waitForEqual(tables);
    const { rows } = await pair.destination.query('select name from word order by n');
    expect(rows.map(({ name }) => name)).toEqual(['ÄHRE', 'Öl', 'New', 'Zoo']);
  });
});
