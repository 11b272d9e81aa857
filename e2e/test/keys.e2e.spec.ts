import { afterAll, beforeAll, describe, test } from 'vitest';
import type { DatabasePair } from '../src/database-pair.js';
import { samePair } from '@bunnydb/testkit';
import type { MirrorFixture } from '../src/mirror-fixture.js';
import { type Stack, startStack } from '../src/stack.js';

const SCHEMA = `
create table pk (id integer primary key, v text, u integer unique);
create table composite (a integer, b text, v text, primary key (b, a));
create table not_first (v text, w integer, id uuid primary key, x text);
create table toasted_key (id text primary key, v integer);
alter table toasted_key alter column id set storage external;
create table by_unique_index (id integer, code text not null, v text);
create unique index by_unique_index_code on by_unique_index (code);
alter table by_unique_index replica identity using index by_unique_index_code;
create table full_without_index (a integer, b text, c double precision);
alter table full_without_index replica identity full;
create table full_with_index (a integer, b text);
create index on full_with_index (a);
alter table full_with_index replica identity full;
create table full_with_key (id integer primary key, b text);
alter table full_with_key replica identity full;
create table full_no_equality (a integer, b json, c xml, d point, e text[]);
alter table full_no_equality replica identity full;
create table insert_only (a integer, b text);
alter table insert_only replica identity full;
create table toast (id integer primary key, big text, other text, n integer);
alter table toast alter column big set storage external;
alter table toast alter column other set storage external;
create table toast_full (id integer, big text, n integer);
alter table toast_full alter column big set storage external;
alter table toast_full replica identity full;
create table case_key (id varchar(20) primary key, v text);
`;

const ROWS = `
insert into pk select i, 'v' || i, i from generate_series(1, 50) i;
insert into composite select i, 'b' || i % 5, 'v' from generate_series(1, 50) i;
insert into not_first select 'v', i, ('00000000-0000-0000-0000-' || lpad(i::text, 12, '0'))::uuid, null from generate_series(1, 50) i;
insert into toasted_key select repeat(chr(96 + i), 2600), i from generate_series(1, 20) i;
insert into by_unique_index select i, 'code ' || i, 'v' from generate_series(1, 50) i;
insert into full_without_index select i % 5, case when i % 3 = 0 then null else 'b' end, i % 2 from generate_series(1, 60) i;
insert into full_with_index select i % 5, nullif(i % 4, 0)::text from generate_series(1, 60) i;
insert into full_with_key select i, 'v' from generate_series(1, 50) i;
insert into full_no_equality select i % 3, '{"a":  1}', '<a/>', '(1,2)', array[null, 'x'] from generate_series(1, 12) i;
insert into insert_only select 1, 'twice' from generate_series(1, 2) i;
insert into toast select i, repeat('x' || i, 20000), repeat('y', 5000), i from generate_series(1, 10) i;
insert into toast_full select i, repeat('z' || i, 20000), i from generate_series(1, 10) i;
insert into case_key values ('a', '1'), ('A', '2'), ('b ', '3'), ('b', '4');
`;

const TABLES = [...SCHEMA.matchAll(/create table (\w+)/g)].map((match) =>
  samePair('public', match[1] ?? ''),
);

describe('keys and replica identities', () => {
  let stack: Stack;
  let pair: DatabasePair;
  let mirror: MirrorFixture;

  beforeAll(async () => {
    stack = await startStack('keys');
    pair = await stack.createPair({ source: SCHEMA + ROWS, destination: SCHEMA });
    mirror = await pair.createMirror({
      table_mappings: TABLES.map((table) => `public.${table.source.table}`),
    });
    await mirror.waitForStatus('running');
  });
  afterAll(() => stack?.stop());

  const changes = async (...statements: readonly string[]): Promise<void> => {
    for (const statement of statements) await pair.source.query(statement);
    await mirror.waitForEqual(TABLES);
  };

  test('rows are found by a key that is composite, not the first column, or toasted', () =>
    changes(
      `update composite set v = 'new' where a % 2 = 0; delete from composite where a % 7 = 0`,
      `update not_first set x = 'new', v = null where w % 2 = 0; delete from not_first where w % 7 = 0`,
      `update toasted_key set v = v + 1; delete from toasted_key where v % 5 = 0`,
      `update case_key set v = v || '!'; delete from case_key where id = 'A'`,
    ));

  test('rows are found by the unique index that is the replica identity', () =>
    changes(
      `update by_unique_index set v = 'new', id = id + 1 where id % 2 = 0`,
      `update by_unique_index set code = 'renamed ' || code where id % 5 = 0`,
      `delete from by_unique_index where id % 7 = 0`,
    ));

  test('REPLICA IDENTITY FULL changes exactly one of several equal rows', () =>
    changes(
      `update full_without_index set c = 99 where ctid = (select min(ctid) from full_without_index where a = 1)`,
      `delete from full_without_index where ctid = (select min(ctid) from full_without_index where a = 2 and b is null)`,
      `delete from full_with_index where ctid = (select min(ctid) from full_with_index where a = 3)`,
      `update full_with_index set b = 'x' where a = 4`,
      `update full_with_key set b = null where id % 2 = 0; delete from full_with_key where id % 3 = 0; update full_with_key set id = id + 100`,
    ));

  test('REPLICA IDENTITY FULL works with types that have no equality operator', () =>
    changes(
      `update full_no_equality set a = a + 10 where ctid = (select min(ctid) from full_no_equality)`,
      `delete from full_no_equality where ctid = (select max(ctid) from full_no_equality)`,
      `update full_no_equality set d = null, b = '[1, 2]' where a = 1`,
    ));

  test('a table without any key takes inserts, the same row twice too', () =>
    changes(`insert into insert_only values (1, 'twice'), (2, null)`));

  test('a change of the key moves the row, also on to a key that was freed in the same transaction', () =>
    changes(
      `update pk set id = id + 1000 where id <= 10`,
      `begin; update pk set id = 5000 where id = 20; update pk set id = 20 where id = 21; update pk set id = 21 where id = 5000; commit`,
      `update composite set a = a + 500, b = 'moved' where a = 1`,
      `update toasted_key set id = repeat('Q', 2650) where id like 'b%'`,
    ));

  test('values of a unique column are swapped inside one transaction', () =>
    changes(
      `begin; update pk set u = -1 where id = 30; update pk set u = 30 where id = 31; update pk set u = 31 where id = 30; commit`,
      `begin; update pk set u = null where id = 32; update pk set u = 32 where id = 33; update pk set u = 33 where id = 32; commit`,
    ));

  test('a unique value is deleted and inserted again under another key, and a row under its own key', () =>
    changes(
      `begin; delete from pk where id = 34; insert into pk values (2034, 'reborn', 34); commit`,
      `begin; delete from pk where id = 35; insert into pk values (35, 'reborn', 35); update pk set v = 'twice' where id = 35; commit`,
      `begin; insert into pk values (9000, 'short', 9000); update pk set v = 'lived' where id = 9000; delete from pk where id = 9000; insert into pk values (9000, 'again', 9000); commit`,
    ));

  test('a toasted value that did not change stays, one that did is replaced', () =>
    changes(
      `update toast set n = n + 1`,
      `update toast set big = repeat('new', 9000) where id % 2 = 0; update toast set n = 0, other = null where id % 3 = 0`,
      `begin; update toast set n = -1 where id = 1; update toast set other = 'short' where id = 1; update toast set id = 100 where id = 1; update toast set n = 5 where id = 100; commit`,
      `begin; insert into toast select 200, repeat('k', 9000), 'o', 1; update toast set n = 2 where id = 200; commit`,
      `update toast_full set n = n + 1; update toast_full set big = 'short' where id = 3; delete from toast_full where id = 4`,
    ));
});
