import type { MirrorSpec } from '@bunnydb/contracts';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { SessionFixture } from './session-fixture.js';

let fixture: SessionFixture;

beforeAll(async () => {
  fixture = await SessionFixture.open();
});
afterEach(async () => {
  await fixture.stop();
  fixture.told.length = 0;
  await fixture.databases.clear();
});
afterAll(async () => {
  await fixture.close();
});

async function start(statements: string, tables = ['public.t']): Promise<MirrorSpec> {
  await fixture.databases.source.query(statements);
  await fixture.databases.destination.query(statements);
  const spec = fixture.spec(tables);
  await fixture.place(spec);
  fixture.start(spec, { structureMs: 100, sequenceMs: 3_600_000 });
  await compared(0);
  return spec;
}

async function compared(from: number): Promise<void> {
  await fixture.waitFor('a comparison', () =>
    fixture.told.slice(from).some(({ type }) => type === 'structure_compared'),
  );
}

const source = (sql: string) => fixture.databases.source.query(sql);
const destination = (sql: string) => fixture.databases.destination.query(sql);
const made = (): string => JSON.stringify(fixture.bodies('structure_followed'));

/** Constraints, indexes, statistics and comments of the destination by name. */
async function objects(): Promise<readonly string[]> {
  const rows = await fixture.databases.destination.query<{ name: string }>(
    `select conname::text as name from pg_constraint where connamespace = 'public'::regnamespace and contype <> 'n'
     union select relname::text from pg_class where relnamespace = 'public'::regnamespace and relkind = 'i'
     union select stxname::text from pg_statistic_ext
     union select 'comment ' || description from pg_description where objoid = to_regclass('public.t') order by 1`,
  );
  return rows.map(({ name }) => name);
}

describe('what the source has dropped', () => {
  it('is dropped by the session, keys and indexes once the stream has passed, also when it was away; the destination’s own stays', async () => {
    const spec = await start(`
      create table t (id int primary key, a int constraint t_check check (a > 0) constraint t_unique unique, b int);
      create index t_index on t (b); create statistics t_stat on a, b from t; comment on table t is 'x'`);
    await destination(`
      alter table t add constraint own_check check (b > 0); create index own_index on t (a, b); create statistics own_stat (ndistinct) on id, b from t`);
    const own = ['own_check', 'own_index', 'own_stat', 't_pkey'];
    await source(
      `alter table t drop constraint t_check, drop constraint t_unique; drop index t_index`,
    );
    await fixture.waitFor('the check', async () => !(await objects()).includes('t_check'));
    await compared(0);
    expect(await objects()).toEqual(
      ['comment x', ...own, 't_index', 't_stat', 't_unique'].toSorted(),
    );
    await fixture.applyUpTo(spec);
    await fixture.waitFor('the indexes', async () => !(await objects()).includes('t_index'));
    await fixture.stop();
    await source(`drop statistics t_stat; comment on table t is null`);
    fixture.start(spec, { structureMs: 100 });
    await fixture.waitFor('the rest', async () => (await objects()).length === own.length);
    expect(await objects()).toEqual(own);
    await fixture.waitFor('the drops to be told', () => made().includes('drop_comment'));
    expect(made()).toContain('drop_check public.t.t_check');
  });

  it('and then made by somebody at the destination is his own', async () => {
    await start(`create table t (id int primary key, a int constraint t_check check (a > 0))`);
    await source(`alter table t drop constraint t_check`);
    await fixture.waitFor('the drop', async () => !(await objects()).includes('t_check'));
    const told = fixture.told.length;
    await destination(`alter table t add constraint t_check check (a > 0)`);
    await source(`create index t_a on t (a)`);
    await fixture.waitFor('the index', async () => (await objects()).includes('t_a'));
    await source(`alter table t add constraint t_check check (a > 3) not valid`);
    await compared(told);
    await fixture.waitFor('the check of the same name to be told', () =>
      JSON.stringify(fixture.told.slice(told)).includes('public.t.t_check'),
    );
    const [row] = await destination(
      `select pg_get_constraintdef(oid) as definition from pg_constraint where conname = 't_check'`,
    );
    expect(row).toEqual({ definition: 'CHECK ((a > 0))' });
  });

  it('lets a table go on that it had put in error', async () => {
    const spec = await start(`
      create domain positive as int constraint over_zero check (value > 0);
      create table t (id int primary key, a int unique, p positive)`);
    await destination(`update _bunny.table_state set state = 'error'`);
    await source(
      `alter table t drop constraint t_a_key; alter domain positive drop constraint over_zero`,
    );
    await fixture.waitFor('the key', async () => !(await objects()).includes('t_a_key'));
    await fixture.applyUpTo(spec);
    await fixture.waitFor(
      'the check of the domain',
      async () => !(await objects()).includes('over_zero'),
    );
    await fixture.waitFor('the lane to be told', async () => {
      const command = await fixture.lastCommand();
      return JSON.stringify(command?.body ?? {}).includes('"action":"retry"');
    });
  });
});

describe('what the source has renamed', () => {
  it('is renamed, and nothing is built anew', async () => {
    await start(
      `create table t (id int primary key, a int constraint t_check check (a > 0)); create index t_a on t (a)`,
    );
    const oids = `select array_agg(oid::text order by oid) as oids from
      (select oid from pg_constraint where conrelid = 't'::regclass union all select indexrelid from pg_index where indrelid = 't'::regclass) as o`;
    const before = await destination(oids);
    await source(`
      alter table t rename constraint t_check to c; alter table t rename constraint t_pkey to pk; alter index t_a rename to i`);
    await fixture.waitFor('the names', async () => (await objects()).join(' ') === 'c i pk');
    expect(await destination(oids)).toEqual(before);
  });
});

describe('a label of an enum that the source has renamed', () => {
  it('is renamed once the stream has passed, and a table that a former name has put in error is copied again, once', async () => {
    const spec = await start(
      `create type mood as enum ('glad', 'sad'); create table t (id int primary key, m mood[])`,
    );
    const labels = async (): Promise<string> =>
      JSON.stringify(await destination(`select enumlabel from pg_enum order by enumsortorder`));
    await source(
      `alter type mood rename value 'glad' to 'happy'; alter type mood add value 'new' after 'happy'`,
    );
    await fixture.waitFor('the rename to be told', () =>
      JSON.stringify(fixture.told).includes('mood'),
    );
    expect(await labels()).not.toContain('happy');
    await fixture.applyUpTo(spec);
    await fixture.waitFor('the label', async () => (await labels()).includes('happy'));
    await fixture.waitFor('the other', async () => (await labels()).includes('new'));
    expect(await labels()).toBe('[{"enumlabel":"happy"},{"enumlabel":"new"},{"enumlabel":"sad"}]');
    const fails = `update _bunny.table_state set state = 'error', reason = '{"detail":{"sqlstate":"22P02"}}',
      wish = '{"asked":null,"resync":null,"goes_on_as":"catching_up","command_ids":[]}'`;
    await destination(fails);
    await fixture.waitFor('the copy', async () => {
      const command = await fixture.lastCommand();
      return JSON.stringify(command?.body ?? {}).includes('"action":"resync"');
    });
    const [now] = await fixture.databases.source.query<{ lsn: string }>(
      `select pg_current_wal_insert_lsn()::text as lsn`,
    );
    await destination(`update _bunny.table_state set copy_lsn = '${now?.lsn ?? ''}'`);
    const told = fixture.told.length;
    await source(`comment on table t is 'seen'`);
    await fixture.waitFor('another look', () =>
      JSON.stringify(fixture.told.slice(told)).includes('set_comment'),
    );
    // What was made lets the lane go on; nothing asks for a copy after that.
    await fixture.waitFor('the lane to be told', async () => {
      const command = await fixture.lastCommand();
      return JSON.stringify(command?.body ?? {}).includes('"action":"retry"');
    });
  });
});
