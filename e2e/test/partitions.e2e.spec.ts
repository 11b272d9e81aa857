import { samePair } from '@bunnydb/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Stack, startStack } from '../src/stack.js';

/** By range, in it by list with a default, and by hash; one partition has its columns in another order and lost one. */
const PARTITIONED = `
create table sale (id bigint not null, day date not null, region text not null, amount numeric, note text,
  primary key (id, day, region)) partition by range (day);
create table sale_2024 partition of sale for values from ('2024-01-01') to ('2025-01-01') partition by list (region);
create table sale_2024_eu partition of sale_2024 for values in ('de', 'fr');
create table sale_2024_other partition of sale_2024 default;
create table sale_2025 (gone text, note text, amount numeric, region text not null, day date not null, id bigint not null);
alter table sale_2025 drop column gone;
alter table sale_2025 add primary key (id, day, region);
alter table sale attach partition sale_2025 for values from ('2025-01-01') to ('2026-01-01');
create table sale_rest partition of sale default;
create table visit (id int primary key, page text) partition by hash (id);
create table visit_0 partition of visit for values with (modulus 2, remainder 0);
create table visit_1 partition of visit for values with (modulus 2, remainder 1);
`;
const PLAIN = `
create table sale (note text, id bigint not null, day date not null, region text not null, amount numeric, primary key (id, day, region));
create table visit (id int primary key, page text);`;
const ROWS = `
insert into sale (id, day, region, amount, note) select n, date '2023-06-01' + n % 1100, (array['de', 'fr', 'us', 'jp'])[1 + n % 4], n, 'row ' || n from generate_series(1, 2000) n;
insert into visit select n, '/' || n from generate_series(1, 500) n;`;
/** Changes inside of partitions and rows that move between them, to the default one and back too. */
const CHANGES = `
update sale set amount = amount + 1 where id % 3 = 0;
begin; update sale set day = day + 400 where id % 5 = 0; update sale set region = 'de' where region = 'us'; commit;
update sale set day = date '2030-01-01' where id = 7; update sale set day = date '2024-02-02', note = repeat('x', 5000) where id = 7;
delete from sale where id % 11 = 0; insert into sale (id, day, region, amount, note) values (9001, '2025-05-05', 'fr', 1, 'new'), (9002, '1999-01-01', 'xx', 2, null);
update visit set id = id + 1001 where id % 7 = 0; delete from visit where id % 13 = 0;
insert into visit select n, 'late' from generate_series(5001, 5100) n;`;

const PAIRS = [samePair('public', 'sale'), samePair('public', 'visit')];

describe('partitions', () => {
  let stack: Stack;
  beforeAll(async () => {
    stack = await startStack('partitions');
  });
  afterAll(() => stack?.stop());

  test.each([
    ['partitioned tables arrive in plain ones', PARTITIONED, PLAIN],
    ['plain tables arrive in partitioned ones', PLAIN, PARTITIONED],
    [
      'partitioned tables are made at the destination, and rows move between partitions',
      PARTITIONED,
      '',
    ],
  ])('%s', async (_what, source, destination) => {
    const pair = await stack.createPair({ source: source + ROWS, destination });
    const mirror = await pair.createMirror({
      table_mappings: ['public.sale', 'public.visit'].map((name) => ({
        source_table: name,
        destination_table: name,
      })),
    });
    await mirror.waitForStatus('running');
    await mirror.waitForEqual(PAIRS);
    await pair.source.query(CHANGES);
    await mirror.waitForEqual(PAIRS);
  });

  test('partitions are attached, written to, emptied and detached while changes stream', async () => {
    const pair = await stack.createPair({ source: PARTITIONED + ROWS, destination: PLAIN });
    const mirror = await pair.createMirror({ all_tables: true });
    await mirror.waitForStatus('running');
    await pair.source.query(`
      create table sale_2027 (day date not null, region text not null, id bigint not null, note text, amount numeric, primary key (id, day, region));
      alter table sale attach partition sale_2027 for values from ('2027-01-01') to ('2028-01-01');
      insert into sale (id, day, region, amount, note) select n, '2027-03-03', 'de', n, 'attached' from generate_series(20001, 20100) n;
      begin; update sale set day = '2027-04-04' where id = 20; update sale set day = '2025-04-04' where id = 20050;
      create table sale_2028 partition of sale for values from ('2028-01-01') to ('2029-01-01'); insert into sale (id, day, region, amount, note) values (30001, '2028-01-01', 'de', 1, 'made here'); commit;
      update sale set amount = 5 where id = 30001; delete from sale where id = 20001;
      delete from sale where day >= '2027-01-01' and day < '2028-01-01'`);
    await mirror.waitForEqual(PAIRS);
    await pair.source.query(`
      alter table sale detach partition sale_2027; insert into sale_2027 values ('2027-01-01', 'de', 40001, 'no longer of the table', 1);
      delete from sale_2024; update sale set amount = 6 where id = 30001`);
    await mirror.waitForEqual(PAIRS);
    const { rows } = await pair.destination.query('select from sale where id = 40001');
    expect(rows).toEqual([]);
  });

  test('partitions without a key are followed under REPLICA IDENTITY FULL', async () => {
    const source = `
      create table metric (at date not null, name text, value int) partition by range (at);
      create table metric_old partition of metric for values from ('2020-01-01') to ('2024-01-01');
      create table metric_new (value int, name text, at date not null);
      alter table metric attach partition metric_new for values from ('2024-01-01') to ('2030-01-01');
      alter table metric replica identity full; alter table metric_old replica identity full; alter table metric_new replica identity full;
      insert into metric select date '2023-12-01' + n % 60, 'm' || n % 5, n % 3 from generate_series(1, 600) n;`;
    const pair = await stack.createPair({ source });
    const mirror = await pair.createMirror({ all_tables: true });
    await mirror.waitForStatus('running');
    await pair.source.query(`
      update metric set value = value + 10 where name = 'm1'; update metric set at = '2023-02-02' where name = 'm2' and at > '2024-01-10';
      delete from metric where ctid in (select ctid from metric_old where name = 'm3' limit 5) and tableoid = 'metric_old'::regclass;
      update metric set name = null where name = 'm4'; update metric set value = 0 where name is null`);
    await mirror.waitForEqual([samePair('public', 'metric')]);
  });

  test('tables that inherit hold their own rows at the destination, as those of the parent do', async () => {
    const pair = await stack.createPair({
      source: `
        create table town (id int primary key, name text); create table capital (country text, primary key (id)) inherits (town);
        insert into town values (1, 'Bonn'); insert into capital values (2, 'Berlin', 'de')`,
    });
    const mirror = await pair.createMirror({ all_tables: true });
    await mirror.waitForStatus('running');
    await pair.source.query(`
      update town set name = name || '!' where id in (1, 2); insert into capital values (3, 'Paris', 'fr'); delete from only town where id = 1;
      insert into town values (4, 'Lyon')`);
    await mirror.waitForEqual([samePair('public', 'town'), samePair('public', 'capital')]);
    const { rows } = await pair.destination.query('select id from only town order by id');
    expect(rows).toEqual([{ id: 4 }]);
  });
});
