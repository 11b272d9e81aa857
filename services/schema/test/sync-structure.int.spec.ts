import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SchemaFixture } from './schema-fixture.js';

let fixture: SchemaFixture;

beforeEach(async () => {
  fixture = await SchemaFixture.open();
});

afterEach(async () => {
  await fixture.close();
});

const TABLES = ['public.p', 'public.t'];

/** Two databases that differ in every way that a change can mend. */
async function makeDifferent(): Promise<void> {
  await fixture.source.query(`
    create table p (id int primary key, code text unique);
    create table t (
      id int primary key, name varchar(40) not null default 'x', big bigint, note text, n serial, at timestamptz default now(),
      p int references p on delete cascade, constraint positive check (big > 0), constraint pair unique (big, note)
    );
    create index t_name on t (name);
    create index t_note on t (note) where note is not null`);
  await fixture.destination.query(`
    create table p (id int primary key, code text);
    create table t (
      id int primary key, name varchar(20), big int, note text not null default 'gone', p int, extra int,
      constraint positive check (big >= 0), constraint only_here check (id > 0)
    );
    create index t_name on t (name desc);
    create index t_extra on t (extra)`);
}

describe('the difference', () => {
  it('goes away when all of it is made, and nothing is lost unless that is allowed', async () => {
    await makeDifferent();
    const before = await fixture.diff(TABLES);
    expect(before.in_sync).toBe(false);
    expect(before.changes.map((change) => `${change.kind} ${change.object}`)).toEqual([
      'drop_check public.t.only_here',
      'drop_index public.t.t_extra',
      'add_column public.t.n',
      'add_column public.t.at',
      'alter_type public.t.name',
      'alter_type public.t.big',
      'set_default public.t.name',
      'set_default public.t.n',
      'set_default public.t.at',
      'drop_default public.t.note',
      'drop_not_null public.t.note',
      'set_not_null public.t.name',
      'set_not_null public.t.n',
      'add_unique public.p.p_code_key',
      'add_unique public.t.pair',
      'create_index public.t.t_note',
      'replace_index public.t.t_name',
      'replace_check public.t.positive',
      'validate_check public.t.positive',
      'add_foreign_key public.t.t_p_fkey',
      'validate_foreign_key public.t.t_p_fkey',
      'drop_column public.t.extra',
    ]);
    const safe = await fixture.sync(TABLES, {});
    expect(safe.failed).toEqual([]);
    expect(safe.skipped.map((change) => change.kind)).toEqual([
      'drop_check',
      'drop_index',
      'drop_column',
    ]);
    expect(await fixture.diff(TABLES)).toMatchObject({ in_sync: true });
    const all = await fixture.sync(TABLES, { allow_destructive: true });
    expect(all.failed.map((change) => change.outcome)).toEqual([]);
    expect(await fixture.diff(TABLES)).toMatchObject({ changes: [], notes: [], in_sync: true });
  });

  it('has the same ids as long as it is the same, and each can be made alone or by what it is about', async () => {
    await makeDifferent();
    const { changes } = await fixture.diff(TABLES);
    expect((await fixture.diff(TABLES)).changes).toEqual(changes);
    expect(new Set(changes.map((change) => change.id)).size).toBe(changes.length);
    const note = changes.find((change) => change.object === 'public.t.t_note');
    const one = await fixture.sync(TABLES, { changes: [note?.id ?? ''] });
    expect(one).toMatchObject({ applied: [{ object: 'public.t.t_note' }], skipped: [] });
    const columns = await fixture.sync(TABLES, { include: ['columns'] });
    expect(columns.applied.map((change) => change.object)).toEqual(['public.t.n', 'public.t.at']);
    await expect(fixture.sync(TABLES, { include: ['colums'] })).rejects.toMatchObject({
      kind: 'invalid_input',
    });
  });

  it('is left alone by a dry run, and by a request that names a change which is no longer pending', async () => {
    await makeDifferent();
    const before = await fixture.diff(TABLES);
    const dry = await fixture.sync(TABLES, { dry_run: true });
    expect(dry.applied).toEqual([]);
    expect(dry.skipped.filter((change) => change.outcome === 'dry run')).toHaveLength(19);
    const ids = before.changes.map((change) => change.id);
    const stale = await fixture.sync(TABLES, { changes: [...ids, 'gone'] });
    expect(stale).toMatchObject({ applied: [], failed: [], stale: ['gone'] });
    expect(await fixture.diff(TABLES)).toEqual(before);
  });

  it('stops at the first change that fails, keeps what was made, and says why', async () => {
    await makeDifferent();
    await fixture.destination.query(
      `insert into p values (1, 'a'), (2, 'a'); insert into t (id, note) values (1, 'n')`,
    );
    const result = await fixture.sync(TABLES, { include: ['not_null', 'constraints'] });
    expect(result.applied.map((change) => change.kind)).toEqual(['drop_not_null']);
    expect(result.failed).toMatchObject([
      {
        object: 'public.t.name',
        outcome: expect.stringMatching(/SQLSTATE 23514\); offending rows: 1$/),
      },
    ]);
    expect(result.skipped.map((change) => change.object)).toEqual([
      'public.t.n',
      'public.p.p_code_key',
      'public.t.pair',
    ]);
    const proof = `select conname from pg_constraint where conname like 'bunny%'`;
    expect(await fixture.destination.query(proof)).toEqual([]);
  });

  it('is read for thousands of tables at once', { timeout: 120_000 }, async () => {
    const count = 2000;
    const create = `do $$ begin for i in 1..${count} loop
      execute format('create table t%s (id int primary key, a int, b text check (b <> ''''), unique (a))', i); end loop; end $$`;
    await fixture.source.query(create);
    await fixture.destination.query(create);
    await fixture.source.query('create index t7_b on t7 (b)');
    const tables = Array.from({ length: count }, (_, index) => `public.t${index + 1}`);
    const { changes } = await fixture.diff(tables);
    expect(changes.map((change) => change.object)).toEqual(['public.t7.t7_b']);
  });
});
