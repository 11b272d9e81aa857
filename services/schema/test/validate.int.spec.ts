import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { listPeerTables } from '../src/shell/peer-tables.js';
import { testPeer } from '../src/shell/peer-test.js';
import { SchemaFixture, failedChecks, peerOf } from './schema-fixture.js';

let fixture: SchemaFixture;

beforeEach(async () => {
  fixture = await SchemaFixture.open();
});

afterEach(async () => {
  await fixture.close();
});

describe('the pre-flight on real servers', () => {
  it('passes a plain mirror and lists its tables, partitions under their root', async () => {
    await fixture.source.query(
      `create table users (id int primary key);
       create table part (id int primary key) partition by range (id);
       create table part_1 partition of part default;
       create view v as select 1; create unlogged table u (id int); create temporary table tt (id int)`,
    );
    const reply = await fixture.validate({ all_tables: true });
    expect(failedChecks(reply.checks)).toEqual({});
    expect(reply.tables.map((table) => table.source.table)).toEqual(['part', 'users']);
  });

  it('tells a role without any privilege all that it lacks; the given statements mend every point', async () => {
    const role = await fixture.role();
    await fixture.source.query(
      `create schema closed; create table closed.users (id int primary key)`,
    );
    await fixture.destination.query(`create table taken (id int primary key)`);
    const request = {
      wishes: [{ source: 'closed.users', destination: 'fresh.users' }],
      all_tables: false,
    };
    const before = failedChecks((await fixture.validate(request, role)).checks);
    expect(Object.keys(before).sort()).toEqual([
      'destination_create',
      'destination_triggers',
      'publication_privilege',
      'replication_privilege',
      'table_select',
    ]);
    for (const [name, check] of Object.entries(before)) {
      const isDestination = name.startsWith('destination');
      const database = isDestination ? fixture.destination : fixture.source;
      for (const statement of check.fix.split('\n')) await database.query(statement);
    }
    expect(failedChecks((await fixture.validate(request, role)).checks)).toEqual({});
  });

  it('refuses tables whose row level security holds for the role, on either side, until it does not any more', async () => {
    const role = await fixture.role();
    for (const side of [fixture.source, fixture.destination])
      await side.query(
        `create table guarded (id int primary key); alter table guarded enable row level security`,
      );
    const request = {
      wishes: [{ source: 'public.guarded', destination: 'public.guarded' }],
      all_tables: false,
    };
    const owner = failedChecks((await fixture.validate(request)).checks);
    expect(owner).toEqual({});
    const security = ['table_row_security', 'destination_row_security'];
    const before = failedChecks((await fixture.validate(request, role)).checks);
    expect(Object.keys(before)).toEqual(expect.arrayContaining(security));
    for (const name of security) {
      expect(before[name]?.detail).toContain('public.guarded');
      await fixture.source.query(before[name]?.fix ?? '');
    }
    const after = failedChecks((await fixture.validate(request, role)).checks);
    expect(Object.keys(after).filter((name) => name.endsWith('row_security'))).toEqual([]);
  });

  it('finds tables without identity, refused filters and filters beyond the identity, and mends them', async () => {
    await fixture.source.query(
      `create table keyless (id int); create table deferred (id int primary key deferrable);
       create table filtered (id int primary key, region text);
       create table fine (id int primary key)`,
    );
    const reply = await fixture.validate({
      all_tables: false,
      wishes: [
        { source: 'public.keyless' },
        { source: 'public.deferred' },
        { source: 'public.filtered', row_filter: `region = 'eu'` },
        { source: 'public.fine', row_filter: `id > 1); drop table fine; --` },
      ],
    });
    const failed = failedChecks(reply.checks);
    expect(Object.keys(failed).sort()).toEqual(['replica_identity', 'row_filters']);
    expect(failed['replica_identity']?.detail).toContain('public.keyless has no primary key');
    expect(failed['replica_identity']?.detail).toContain('deferrable primary key');
    expect(failed['row_filters']?.detail).toContain('public.filtered reads region');
    expect(failed['row_filters']?.detail).toContain('public.fine was refused');
    expect(await fixture.source.query('select count(*)::int as n from fine')).toEqual([{ n: 0 }]);
    // Looking changed nothing.
    expect(await fixture.source.query('select pubname from pg_publication')).toEqual([]);
  });

  it('refuses filled destination tables and ones that lack columns', async () => {
    await fixture.source.query('create table t (id int primary key, note text)');
    await fixture.destination.query(
      'create table t (id int primary key); insert into t values (1)',
    );
    const failed = failedChecks((await fixture.validate({})).checks);
    expect(Object.keys(failed).sort()).toEqual(['destination_columns', 'destination_empty']);
    for (const check of Object.values(failed)) await fixture.destination.query(check.fix);
    expect(failedChecks((await fixture.validate({})).checks)).toEqual({});
  });

  it('refuses a column that only one side computes', async () => {
    await fixture.source.query(
      'create table t (id int primary key, net int, a int generated always as (net + 1) stored, b int)',
    );
    await fixture.destination.query(
      'create table t (id int primary key, net int, a int, b int generated always as (net * 2) stored)',
    );
    const failed = failedChecks((await fixture.validate({})).checks);
    expect(Object.keys(failed)).toEqual(['destination_columns']);
    for (const words of ['public.t.a is computed at the source', 'public.t.b is computed at the'])
      expect(failed['destination_columns']?.detail).toContain(words);
    await fixture.destination.query(failed['destination_columns']?.fix ?? '');
    expect(failedChecks((await fixture.validate({})).checks)).toEqual({});
  });

  it('refuses a table whose rows are identified by a column that the source computes', async () => {
    await fixture.source.query(
      `create table t (id int not null, code text not null generated always as ('t' || id::text) stored primary key);
       create unique index t_id on t (id)`,
    );
    const failed = failedChecks((await fixture.validate({})).checks);
    expect(Object.keys(failed)).toEqual(['replica_identity']);
    expect(failed['replica_identity']?.detail).toContain('public.t identifies its rows by code');
    await fixture.source.query('alter table t replica identity using index t_id');
    expect(failedChecks((await fixture.validate({})).checks)).toEqual({});
  });

  it('refuses one database for both sides, a slot that exists and a publication that does not fit', async () => {
    await fixture.source.query(
      `create table t (id int primary key); create table u (id int primary key);
       create publication pub for table t with (publish = 'insert')`,
    );
    await fixture.source.query(
      `select pg_create_logical_replication_slot('taken_' || current_database(), 'pgoutput')`,
    );
    const failed = failedChecks(
      (
        await fixture.validate({
          destination: peerOf(fixture.source),
          publication_name: 'pub',
          replication_slot_name: `taken_${fixture.source.name}`,
        })
      ).checks,
    );
    expect(Object.keys(failed).sort()).toEqual(['different_databases', 'publication', 'slot_name']);
    for (const statement of failed['publication']?.fix.split('\n') ?? []) {
      await fixture.source.query(statement);
    }
    const again = await fixture.validate({ publication_name: 'pub' });
    expect(failedChecks(again.checks)).toEqual({});
  });

  it('goes on with the source when the destination is out of reach', async () => {
    await fixture.source.query('create table t (id int)');
    const reply = await fixture.validate({
      destination: { ...peerOf(fixture.destination), port: 1 },
    });
    expect(Object.keys(failedChecks(reply.checks)).sort()).toEqual([
      'destination_reachable',
      'replica_identity',
    ]);
  });
});

describe('peers', () => {
  it('are tested with what they may do', async () => {
    const openSecret = (sealed: string): string => sealed;
    expect(await testPeer({ peer: peerOf(fixture.source) }, openSecret)).toMatchObject({
      ok: true,
      wal_level: 'logical',
      can_replicate: true,
      is_standby: false,
    });
    const unreachable = { ...peerOf(fixture.source), port: 1 };
    expect(await testPeer({ peer: unreachable }, openSecret)).toMatchObject({
      ok: false,
      failure: { kind: 'peer_unreachable' },
    });
  });

  it('list tables with estimates, partitions counted with their root', async () => {
    await fixture.source.query(
      `create table part (id int) partition by range (id);
       create table part_1 partition of part for values from (0) to (100);
       create table part_2 partition of part default;
       insert into part select generate_series(1, 500); analyze`,
    );
    const reply = await listPeerTables({ peer: peerOf(fixture.source) }, (sealed) => sealed);
    expect(reply).toMatchObject({
      ok: true,
      tables: [
        {
          schema: 'public',
          table_name: 'part',
          row_count: 500,
          has_primary_key: false,
          partitioned: true,
        },
      ],
    });
  });
});
