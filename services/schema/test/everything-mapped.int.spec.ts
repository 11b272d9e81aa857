import type { TableMapping } from '@bunnydb/contracts';
import { type PostgresServer, startPostgres } from '@bunnydb/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { describeSchema, differenceOf } from './describe-schema.js';
import { EVERYTHING, EVERYTHING_TABLES, NEWEST, NEWEST_TABLES } from './everything-schema.js';
import { SchemaFixture } from './schema-fixture.js';

/** What differs on purpose in the destination; each of it is made equal by a change of its own. */
const MEDDLE = `
  set search_path = "Odd ""Schema""", pg_catalog;
  comment on schema "Odd ""Schema""" is 'other';
  comment on table "Customer" is null;
  comment on column team.boss is 'only here';
  comment on type mood is 'other';
  comment on constraint above_zero on domain positive is null;
  comment on statistics customer_stats is 'other';
  comment on sequence ticket is null;
  comment on index event_kind is 'other';
  alter table "Customer" set (fillfactor = 99), reset (toast.autovacuum_vacuum_threshold), set (parallel_workers = 2);
  alter table "Customer" alter column body set storage main, alter column doc set compression default, alter column region set statistics -1;
  alter table "Customer" alter column region reset (n_distinct), alter column code set (n_distinct = 3);
  alter table "Customer" set without cluster;
  alter index customer_lower alter column 1 set statistics 10;
  alter table booking replica identity full;
  alter table boss replica identity default;
  drop statistics customer_expr, event_stats;
  alter statistics customer_stats set statistics 5;
  create statistics only_here on id, at from "Customer";
  alter sequence ticket increment 7 no cycle;
  alter table booking alter column line set generated always, alter column line restart with 5, alter column id set increment by 9;
  alter table team alter column id set not null, alter column id add generated always as identity;
  alter table event alter column id drop identity;
  alter domain positive drop constraint small;
  alter domain "Name" set default 'x';
  alter domain "Name" add constraint only_here check (value <> '77');
  alter type pair add attribute extra int;
  alter table "Customer" alter column full_text drop expression;
  alter table boss add column generated_here int generated always as (id + 1) stored;
  alter table about_event drop constraint about_event_event_at_kind_fkey;
  drop table event_2023;
  create table event_more partition of event_2024 for values in ('more');
  alter table event alter column n drop default;
  alter table two_keys inherit boss_like;
  drop index event_unique;
  alter table "Customer" drop constraint not_for_children;
  reset search_path`;

let server: PostgresServer;
beforeAll(async () => {
  server = await startPostgres({ version: 18 });
}, 60_000);
afterAll(async () => {
  await server.stop();
});

describe('a schema with everything in it', () => {
  it('that the destination has otherwise in every way is made equal, and told truly before', async () => {
    const tables = [...EVERYTHING_TABLES, ...NEWEST_TABLES].map((name) => ({
      source: name,
      destination: name,
      exclude_columns: [],
    }));
    const fixture = await SchemaFixture.open({ source: server.url, destination: server.url });
    try {
      const like = `create table "Odd ""Schema""".boss_like (a int, b text)`;
      for (const database of [fixture.source, fixture.destination]) {
        await database.query(EVERYTHING);
        await database.query(NEWEST);
        await database.query(`${like}; drop table other.not_mirrored`);
      }
      const all = [...tables, mappingOf('boss_like')];
      await fixture.sync(all, {});
      expect(await fixture.diff(all)).toMatchObject({ changes: [], notes: [] });
      await fixture.destination.query(MEDDLE);
      const { changes } = await fixture.diff(all);
      expect(changes.length).toBeGreaterThan(40);
      expect(changes.filter((change) => change.destructive).map((change) => change.kind))
        .toMatchInlineSnapshot(`
        [
          "drop_statistics",
          "alter_domain",
          "alter_composite",
          "drop_identity",
          "replace_column",
          "drop_inheritance",
          "detach_partition",
          "reset_option",
          "reset_option",
          "drop_comment",
          "drop_column",
        ]
      `);
      const built = await fixture.build(all);
      expect(built.failed).toEqual([]);
      const result = await fixture.sync(all, { allow_destructive: true });
      expect(result.failed).toEqual([]);
      // A partition that only the destination has becomes a table, so that no rows are lost.
      await fixture.destination.query(`drop table "Odd ""Schema""".event_more`);
      const [source, destination] = await Promise.all(
        [fixture.source, fixture.destination].map(describeSchema),
      );
      expect(differenceOf(source ?? [], destination ?? [])).toEqual([]);
    } finally {
      await fixture.close();
    }
  }, 60_000);

  it('arrives under other names of schemas and tables, with definitions that name none of the old', async () => {
    const fixture = await SchemaFixture.open({ source: server.url, destination: server.url });
    try {
      await fixture.source.query(EVERYTHING);
      await fixture.source.query(NEWEST);
      const tables = [...EVERYTHING_TABLES, ...NEWEST_TABLES].map((name) => ({
        source: name,
        destination: {
          schema: 'To "x"',
          table: name.schema === 'other' ? `other_${name.table}` : name.table.toUpperCase(),
        },
        exclude_columns: [],
      }));
      await fixture.provision(tables);
      expect(await fixture.build(tables)).toMatchObject({ skipped: [], failed: [] });
      expect(await fixture.diff(tables)).toMatchObject({ changes: [], notes: [], in_sync: true });
      await fixture.destination.query(
        `insert into "To ""x"""."CUSTOMER" ("E mail", region) values ('a@b', 'eu')`,
      );
      expect(await fixture.destination.query(`select code from "To ""x"""."CUSTOMER"`)).toEqual([
        { code: 'T105' },
      ]);
    } finally {
      await fixture.close();
    }
  }, 60_000);
});

describe('between the oldest version and the newest', () => {
  it('a schema with everything in it goes both ways', async () => {
    const oldest = await startPostgres({ version: 15 });
    const ways = [
      { source: oldest.url, destination: server.url },
      { source: server.url, destination: oldest.url },
    ];
    const tables = EVERYTHING_TABLES.map(({ table, schema }) => mappingOf(table, schema));
    try {
      for (const way of ways) {
        const fixture = await SchemaFixture.open(way);
        await fixture.source.query(EVERYTHING);
        await fixture.provision(tables);
        expect(await fixture.build(tables)).toMatchObject({ skipped: [], failed: [] });
        expect(await fixture.diff(tables)).toMatchObject({ changes: [], notes: [], in_sync: true });
        await fixture.close();
      }
    } finally {
      await oldest.stop();
    }
  }, 60_000);
});

function mappingOf(table: string, schema = 'Odd "Schema"'): TableMapping {
  const name = { schema, table };
  return { source: name, destination: name, exclude_columns: [] };
}
