import { compareLsn, parseLsn } from '@bunnydb/pg-model';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { withPeer } from '../src/shell/peer-session.js';
import { endOfWal } from '../src/shell/stream-patience.js';
import { SessionFixture, withOptions } from './session-fixture.js';

let fixture: SessionFixture;

beforeEach(async () => {
  fixture = await SessionFixture.open();
});

afterEach(async () => {
  await fixture.close();
});

async function bothSides(sql: string): Promise<void> {
  await fixture.databases.source.query(sql);
  await fixture.databases.destination.query(sql);
}

async function indexNames(): Promise<readonly string[]> {
  const rows = await fixture.databases.destination.query<{ name: string }>(
    `select indexname::text as name from pg_indexes where schemaname = 'public' order by 1`,
  );
  return rows.map((row) => row.name);
}

describe('a schema session', () => {
  it('makes what is safe after the source was altered, and tells what is left', async () => {
    await bothSides('create table t (id int primary key, a int, b text)');
    const spec = fixture.spec(['public.t']);
    await fixture.place(spec);
    fixture.start(spec);
    await fixture.waitFor('the first comparison', () =>
      fixture
        .bodies('structure_compared')
        .some((body) => JSON.stringify(body).includes('"pending":0')),
    );
    await fixture.databases.source.query(`
      create index t_a on t (a);
      alter table t add constraint t_a_check check (a > 0);
      comment on column t.b is 'text';
      alter table t alter b set default 'x'`);
    await fixture.databases.destination.query('insert into t values (1, -1)');
    await fixture.waitFor('the safe changes', async () => (await indexNames()).includes('t_a'));
    await fixture.waitFor('what is left to be told', () =>
      fixture
        .bodies('structure_compared')
        .some((body) => JSON.stringify(body).includes('t_a_check')),
    );
    // A row of before may not fit the check, so that the stream is waited for.
    const early = JSON.stringify(fixture.bodies('structure_followed'));
    for (const part of ['set_default', 'add_check']) expect(early).not.toContain(part);
    await fixture.applyUpTo(spec);
    await fixture.waitFor('the default', () =>
      JSON.stringify(fixture.bodies('structure_followed')).includes('set_default'),
    );
    const made = JSON.stringify(fixture.bodies('structure_followed'));
    for (const part of ['create_index public.t.t_a', 'set_default public.t.b', '"by":"poll"']) {
      expect(made).toContain(part);
    }
    const known = fixture.told.length;
    await fixture.databases.destination.query('update t set a = 1');
    await fixture.databases.source.query(`comment on table t is 'again'`);
    await fixture.applyUpTo(spec);
    await fixture.waitFor('the check to be made', () =>
      JSON.stringify(fixture.told.slice(known)).includes('"pending":0'),
    );
  });

  it('looks at once when it is told to', async () => {
    await bothSides('create table t (id int primary key, a int)');
    const spec = fixture.spec(['public.t']);
    await fixture.place(spec);
    fixture.start(spec, { structureMs: 3_600_000 });
    await fixture.waitFor('the first look', () => fixture.bodies('structure_compared').length > 0);
    await fixture.databases.source.query('create index t_a on t (a)');
    fixture.look(spec);
    await fixture.waitFor('the index', async () => (await indexNames()).includes('t_a'));
  });

  it('makes nothing while a table is copied, nor when a person decides, nor what loses data', async () => {
    await bothSides('create table t (id int primary key, a int)');
    await bothSides('create table u (id int primary key, a int)');
    await fixture.databases.source.query('create index u_a on u (a); create index t_a on t (a)');
    const spec = fixture.spec(['public.t', 'public.u']);
    await fixture.place({ ...spec, tables: spec.tables.slice(0, 1) });
    await fixture.databases.destination.query(
      'drop index t_a; create index only_here on t (a, id)',
    );
    await fixture.place({ ...spec, tables: spec.tables.slice(1) }, 'copying');
    await fixture.databases.destination.query('drop index u_a');
    fixture.start(withOptions(spec, { schema_changes: 'manual' }));
    await fixture.waitFor('the difference to be told', () =>
      fixture.bodies('structure_compared').some((body) => JSON.stringify(body).includes('t_a')),
    );
    await fixture.stop();
    expect(await indexNames()).toEqual(['only_here', 't_pkey', 'u_pkey']);
    fixture.start(spec);
    await fixture.waitFor('the index', async () => (await indexNames()).includes('t_a'));
    await fixture.stop();
    expect(await indexNames()).toEqual(['only_here', 't_a', 't_pkey', 'u_pkey']);
  });

  it('follows the shape of a table that nobody writes to, once the stream has passed the change', async () => {
    await bothSides('create table t (id int primary key); insert into t values (1)');
    const spec = fixture.spec(['public.t']);
    await fixture.place(spec);
    fixture.start(spec);
    await fixture.waitFor('the first look', () => fixture.bodies('structure_compared').length > 0);
    await fixture.databases.source.query(`alter table t add column n int default 7`);
    await fixture.waitFor('the column to be told', () =>
      JSON.stringify(fixture.bodies('structure_compared')).includes('public.t.n'),
    );
    expect(await fixture.databases.columns()).toEqual(['id integer not null']);
    await fixture.applyUpTo(spec);
    await fixture.waitFor(
      'the column',
      async () => (await fixture.databases.columns()).length === 2,
    );
    expect(await fixture.databases.rows(fixture.databases.destination)).toEqual([{ id: 1, n: 7 }]);
  });

  it('makes what a held table waits for, and lets its lane go on', async () => {
    await bothSides('create table t (id int primary key, a varchar(10))');
    const spec = fixture.spec(['public.t']);
    await fixture.place(spec, 'held');
    await fixture.databases.source.query('alter table t alter a type text');
    fixture.start(spec);
    await fixture.waitFor(
      'the lane to be told',
      async () => (await fixture.lastCommand()) !== undefined,
    );
    expect(await fixture.databases.columns()).toContain('a text');
    expect(await fixture.lastCommand()).toMatchObject({
      verb: 'change_lanes',
      body: { wish: { action: 'retry' }, tables: ['public.t'] },
    });
  });

  it('tells of tables that fit a pattern, can be replicated, and are not in the mirror', async () => {
    await bothSides('create table t (id int primary key)');
    const pattern = {
      source_schema: 'public',
      destination_schema: 'copy',
      exclude_columns: [],
      except: ['public.log_*'],
    };
    const spec = fixture.spec(['public.t'], { patterns: [pattern] });
    await fixture.place(spec);
    fixture.start(spec);
    await fixture.databases.source.query(`
      create table fits (id int primary key);
      create table log_1 (id int primary key);
      create table parted (id int primary key) partition by range (id);
      create table parted_1 partition of parted default;
      create table keyless (id int);
      create unlogged table unlogged (id int primary key);
      create schema other; create table other.elsewhere (id int primary key)`);
    await fixture.waitFor('the tables', () =>
      JSON.stringify(fixture.bodies('tables_appeared')).includes('parted'),
    );
    expect(fixture.bodies('tables_appeared').at(-1)).toEqual({
      tables: ['fits', 'parted'].map((table) => ({
        source: { schema: 'public', table },
        destination: { schema: 'copy', table },
        exclude_columns: [],
      })),
    });
  });

  it('validates the foreign keys that a swap has left, when all tables are of one moment', async () => {
    await bothSides(
      'create table p (id int primary key); create table c (id int primary key, p int references p)',
    );
    const spec = fixture.spec(['public.p', 'public.c']);
    await fixture.place(spec, 'held');
    await fixture.databases.destination.query(`
      alter table c drop constraint c_p_fkey;
      alter table c add constraint c_p_fkey foreign key (p) references p not valid;
      insert into _bunny.foreign_key values ('schematest', 'public', 'c', 'c_p_fkey', 'public', 'p', ''), ('schematest', 'public', 'c', 'gone', 'public', 'p', '')`);
    const validated = async (): Promise<unknown> =>
      await fixture.databases.destination.query(
        `select (select convalidated from pg_constraint where conname = 'c_p_fkey') as valid, (select count(*)::int from _bunny.foreign_key) as left`,
      );
    fixture.start(withOptions(spec, { schema_changes: 'manual' }));
    await fixture.waitFor('a look', () => fixture.bodies('structure_compared').length > 0);
    expect(await validated()).toEqual([{ valid: false, left: 2 }]);
    await fixture.databases.destination.query(`update _bunny.table_state set state = 'running'`);
    await fixture.waitFor('the key', async () =>
      JSON.stringify(await validated()).includes('{"valid":true,"left":0}'),
    );
  });

  it('goes on by itself after a server was away, and does not report what others report', async () => {
    await bothSides('create table t (id int primary key, a int)');
    const spec = fixture.spec(['public.t']);
    await fixture.place(spec);
    fixture.start(spec);
    await fixture.waitFor('the first look', () => fixture.bodies('structure_compared').length > 0);
    for (const database of [fixture.databases.source, fixture.databases.destination]) {
      // A session is opened when there is something to look at.
      await fixture.waitFor('a session to end', async () => {
        const ended = await database.query(
          `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'bunnydb schema' and datname = current_database()`,
        );
        return ended.length > 0;
      });
    }
    await fixture.databases.source.query('create index t_a on t (a)');
    await fixture.waitFor('the index', async () => (await indexNames()).includes('t_a'));
  });
});

it('what the stream has to pass ends behind all that is seen, also before it is written', async () => {
  const peer = fixture.spec([]).source;
  const { signal } = new AbortController();
  const openSecret = (sealed: string): string => sealed;
  await withPeer({ peer, role: 'source', openSecret, signal }, async (client) => {
    await client.query('set synchronous_commit = off; create table public.seen (id int)');
    const { rows } = await client.query<{ lsn: string }>(
      'select pg_current_wal_insert_lsn()::text as lsn',
    );
    const [seen, end] = [parseLsn(rows[0]?.lsn ?? ''), await endOfWal(client)];
    expect(compareLsn(end, seen)).toBeGreaterThanOrEqual(0);
  });
});

describe('sequences', () => {
  it('stay ahead of the source all the time, and get no number twice after the mirror was held', async () => {
    await bothSides(`
      create table t (id bigserial primary key, n int generated always as identity, down int);
      create sequence down increment -1 owned by t.down;
      alter table t alter down set default nextval('down')`);
    const spec = fixture.spec(['public.t']);
    const { source, destination } = fixture.databases;
    fixture.start(spec);
    const lead = async (): Promise<number> => {
      const [last] = await source.query<{ v: string }>(
        `select last_value::text as v from t_id_seq`,
      );
      const [ours] = await destination.query<{ v: string }>(
        `select last_value::text as v from t_id_seq`,
      );
      return Number(ours?.v) - Number(last?.v);
    };
    for (let round = 0; round < 5; round += 1) {
      await source.query(
        `insert into t (down) select nextval('down') from generate_series(1, 3000)`,
      );
      await fixture.waitFor('the sequence to be ahead', async () => (await lead()) >= 1000);
    }
    await source.query(`insert into t (down) select nextval('down') from generate_series(1, 5000)`);
    await fixture.stop();
    const [used] = await source.query<Record<string, number>>(
      `select max(id)::int as id, max(n) as n, min(down) as down from t`,
    );
    const [next] = await destination.query<Record<string, number>>(
      `insert into t default values returning id::int, n, down`,
    );
    expect(next?.['id']).toBeGreaterThan(used?.['id'] ?? 0);
    expect(next?.['n']).toBeGreaterThan(used?.['n'] ?? 0);
    expect(next?.['down']).toBeLessThan(used?.['down'] ?? 0);
  });

  it('without privilege are told, and the others follow', async () => {
    const role = await fixture.databases.schema.role();
    await bothSides(`
      create table t (id serial primary key, other serial);
      grant usage on schema public to ${role}; grant select on t to ${role}; grant select on sequence t_id_seq to ${role}`);
    await fixture.databases.source.query('insert into t default values');
    const spec = fixture.spec(['public.t']);
    await fixture.place(spec);
    await fixture.databases.destination.query(`select setval('t_id_seq', 1)`);
    fixture.start({ ...spec, source: { ...spec.source, user: role, password: 'x' } });
    await fixture.waitFor('the sequence', async () => {
      const [row] = await fixture.databases.destination.query<{ v: string }>(
        `select last_value::text as v from t_id_seq`,
      );
      return Number(row?.v) > 1000;
    });
    await fixture.waitFor('the note', () =>
      JSON.stringify(fixture.bodies('structure_compared')).includes('public.t_other_seq'),
    );
  });
});
