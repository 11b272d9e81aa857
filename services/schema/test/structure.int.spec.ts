import { POSTGRES_VERSIONS, startPostgres } from '@bunnydb/testkit';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SchemaFixture } from './schema-fixture.js';
import { NAMES, SHOP, TABLES, definitionsOf, seed } from './structure-examples.js';

let fixture: SchemaFixture;

beforeEach(async () => {
  fixture = await SchemaFixture.open();
});

afterEach(async () => {
  await fixture.close();
});

describe('after the copy', () => {
  it('the destination gets every index, constraint, check and foreign key of the source, as PostgreSQL defines them', async () => {
    await fixture.source.query(SHOP);
    await seed(fixture.source);
    await fixture.provision(TABLES);
    await seed(fixture.destination);
    const result = await fixture.build(TABLES);
    expect(result).toMatchObject({ skipped: [], failed: [] });
    expect(await definitionsOf(fixture.destination)).toEqual(await definitionsOf(fixture.source));
    const keys = await fixture.destination.query(
      `select bool_and(convalidated) as validated, bool_and(condeferrable and condeferred) as deferred
         from pg_constraint where contype = 'f' and conparentid = 0`,
    );
    expect(keys).toEqual([{ validated: true, deferred: true }]);
    expect(await fixture.diff(TABLES)).toMatchObject({ changes: [], notes: [], in_sync: true });
    expect(await fixture.build(TABLES)).toMatchObject({ built: [], skipped: [], failed: [] });
  });

  it('sequences stand beyond all that the source gave out', async () => {
    await fixture.source.query(SHOP);
    await seed(fixture.source);
    await fixture.provision(TABLES);
    await fixture.build(TABLES);
    const [row] = await fixture.destination.query(
      `select nextval('shop.customer_id_seq') > 500 as customer, nextval('shop.booking_id_seq') > 200 as booking`,
    );
    expect(row).toEqual({ customer: true, booking: true });
  });

  it('a build goes on where one was cut off, and builds anew what that left invalid', async () => {
    await fixture.source.query(
      `create table t (id int primary key, a int, b int, constraint t_b_key unique (b));
       create unique index t_a on t (a)`,
    );
    await fixture.provision(['public.t']);
    await fixture.destination.query('insert into t values (1, 1, 1), (2, 1, 1)');
    for (const column of ['a', 'b_key']) {
      const sql = `create unique index concurrently t_${column} on t (${column.slice(0, 1)})`;
      await expect(fixture.destination.query(sql)).rejects.toThrow();
    }
    const refused = await fixture.build(['public.t']);
    expect(refused.failed.map((failure) => failure.object)).toEqual([
      'public.t.t_b_key',
      'public.t.t_a',
    ]);
    await fixture.destination.query('update t set a = id, b = id');
    expect(await fixture.build(['public.t'])).toMatchObject({
      built: ['add_unique public.t.t_b_key', 'create_unique_index public.t.t_a'],
      failed: [],
    });
    expect(await definitionsOf(fixture.destination, 'public')).toEqual(
      await definitionsOf(fixture.source, 'public'),
    );
  });

  it('a foreign key or a check that does not hold is told with the number of rows, and all else is built', async () => {
    await fixture.source.query(
      `create table p (id int primary key);
       create table c (id int primary key, p int references p, n int check (n > 0), x int);
       create index c_x on c (x)`,
    );
    const tables = ['public.p', 'public.c'];
    await fixture.provision(tables);
    await fixture.destination.query(
      'insert into p values (1); insert into c values (1, 1, 1), (2, 7, -1), (3, 8, 0), (4, 8, null)',
    );
    const result = await fixture.build(tables);
    expect(result.built).toContain('create_index public.c.c_x');
    expect(result.failed).toEqual([
      {
        object: 'public.c.c_n_check',
        reason: expect.stringMatching(/SQLSTATE 23514\); offending rows: 2$/),
      },
      {
        object: 'public.c.c_p_fkey',
        reason: expect.stringMatching(/SQLSTATE 23503\); offending rows: 3$/),
      },
    ]);
    await fixture.destination.query('delete from c where id > 1');
    expect(await fixture.build(tables)).toMatchObject({
      built: ['validate_check public.c.c_n_check', 'validate_foreign_key public.c.c_p_fkey'],
      failed: [],
    });
  });

  it('definitions hold under mapped names, and keys that lead out of the mirror are told', async () => {
    await fixture.source.query(`${SHOP}; create table shop.outside (id int primary key);
      alter table shop.team add constraint team_outside foreign key (id) references shop.outside`);
    await seed(fixture.source);
    const mappings = NAMES.map((table) => ({
      source: { schema: 'shop', table },
      destination: { schema: 'Copy x', table: table === 'customer' ? 'Client' : table },
      exclude_columns: table === 'customer' ? ['doc'] : [],
    }));
    await fixture.provision(mappings);
    const result = await fixture.build(mappings);
    expect(result.failed).toEqual([]);
    expect(result.skipped).toEqual([
      {
        object: '"Copy x".Client.customer_doc',
        reason: 'the index needs the column doc, which the mirror leaves out',
      },
      {
        object: '"Copy x".team.team_outside',
        reason: 'the foreign key points to shop.outside, which is not in the mirror',
      },
    ]);
    expect(await fixture.diff(mappings)).toMatchObject({ changes: [], in_sync: true });
    const [index] = await fixture.destination.query(
      `select pg_get_indexdef('"Copy x"."Client_lower"'::regclass) as definition`,
    );
    expect(index).toEqual({
      definition: `CREATE INDEX "Client_lower" ON "Copy x"."Client" USING btree (lower(email) text_pattern_ops DESC NULLS LAST, nick COLLATE "C")`,
    });
    const [key] = await fixture.destination.query(
      `select confrelid::regclass::text as referenced from pg_constraint where conname = 'booking_customer'`,
    );
    expect(key).toEqual({ referenced: '"Copy x"."Client"' });
  });

  it('what the options leave out is not built', async () => {
    await fixture.source.query(SHOP);
    await fixture.provision(TABLES);
    const none = { replicate_indexes: false, replicate_foreign_keys: false } as const;
    const result = await fixture.build(TABLES, { ...none, replicate_schema: false });
    expect(result).toMatchObject({ built: [], skipped: [], failed: [] });
    await fixture.build(TABLES, { foreign_key_strategy: 'none' });
    const count = `select count(*)::int as keys from pg_constraint where contype = 'f'`;
    expect(await fixture.destination.query(count)).toEqual([{ keys: 0 }]);
    await fixture.build(TABLES, { foreign_key_strategy: 'replica' });
    const deferrable = `select conname::text as name from pg_constraint where contype = 'f' and condeferrable and conparentid = 0`;
    expect(await fixture.destination.query(deferrable)).toEqual([{ name: 'booking_customer' }]);
  });

  it('a writer that holds a table is waited for without blocking those behind it', async () => {
    await fixture.source.query('create table t (id int primary key, a int check (a > 0) unique)');
    await fixture.provision(['public.t']);
    const writer = await fixture.destination.connect();
    await writer.query('begin; insert into t values (1, 1)');
    const building = fixture.build(['public.t']);
    const other = await fixture.destination.connect();
    await other.query(`set lock_timeout = '5s'`);
    for (let n = 2; n < 40; n += 1) await other.query('insert into t values ($1, $1)', [n]);
    await writer.query('commit');
    expect(await building).toMatchObject({ failed: [] });
    await Promise.all([writer.end(), other.end()]);
  });

  it('definitions go from the oldest version to the newest', async () => {
    const oldest = await startPostgres({ version: POSTGRES_VERSIONS[0] });
    const newest = await startPostgres({ version: POSTGRES_VERSIONS[3] });
    const across = await SchemaFixture.open({ source: oldest.url, destination: newest.url });
    try {
      await across.source.query(SHOP);
      await across.provision(TABLES);
      expect(await across.build(TABLES)).toMatchObject({ skipped: [], failed: [] });
      expect(await across.diff(TABLES)).toMatchObject({ changes: [], in_sync: true });
    } finally {
      await across.close();
      await oldest.stop();
      await newest.stop();
    }
  });
});
