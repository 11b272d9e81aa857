import type { SchemaFollowRequest } from '@bunnydb/contracts';
import type { FailureKind } from '@bunnydb/failure';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { FollowFixture } from './follow-fixture.js';

type Cause = SchemaFollowRequest['cause'];

let fixture: FollowFixture;

beforeAll(async () => {
  fixture = await FollowFixture.open();
});
beforeEach(async () => {
  await fixture.clear();
});
afterAll(async () => {
  await fixture.close();
});

/** A mirror of the tables whose structure is built: from here on it is known what came from the source. */
async function build(statements: string, tables = ['public.t']): Promise<void> {
  for (const { query } of sides()) await query(statements);
  await fixture.schema.build(tables);
}

const sides = () =>
  [fixture.source, fixture.destination].map((database) => ({
    query: (sql: string) => database.query(sql),
  }));

const ddl = (...types: string[]): Cause => ({
  kind: 'ddl',
  tag: 'ALTER TABLE',
  role: '',
  search_path: '',
  objects: types.map((type) => ({ type, schema: 'public', identity: 'public.t', dropped: false })),
});

const refused = (kind: FailureKind, detail: Record<string, string> = {}): Cause => ({
  kind: 'refused',
  failure: { kind, message: '', hint: '', action: 'retry_timed', detail },
});

/** Constraints and indexes of the destination by name. */
async function rules(): Promise<readonly string[]> {
  const rows = await fixture.destination.query<{ name: string }>(
    `select conname::text as name from pg_constraint where connamespace = 'public'::regnamespace and contype <> 'n'
     union select relname::text from pg_class where relnamespace = 'public'::regnamespace and relkind = 'i' order by 1`,
  );
  return rows.map(({ name }) => name);
}

async function labels(): Promise<string> {
  const [row] = await fixture.destination.query<{ labels: readonly string[] }>(
    `select array_agg(enumlabel::text order by enumsortorder) as labels from pg_enum`,
  );
  return row?.labels.join(' ') ?? '';
}

describe('a rule that the source has dropped', () => {
  it('is dropped at the mark, and the destination’s own stays', async () => {
    await build(
      `
      create table p (id int primary key);
      create table t (id int primary key, a int, b int, p int,
        constraint t_check check (a > 0), constraint t_unique unique (a), constraint t_p_fkey foreign key (p) references p,
        constraint t_excl exclude using btree (b with =));
      create unique index t_index on t (b, id); create index t_plain on t (p)`,
      ['public.p', 'public.t'],
    );
    await fixture.destination.query(
      `alter table t add constraint own_check check (b > 0), add constraint own_unique unique (b); create unique index own_index on t (a, b)`,
    );
    await fixture.source.query(`
      alter table t drop constraint t_check, drop constraint t_unique, drop constraint t_p_fkey, drop constraint t_excl; drop index t_index, t_plain`);
    const { made, outcome } = await fixture.follow({ cause: ddl('table') });
    expect(outcome).toEqual({ tag: 'followed' });
    expect(made.toSorted()).toEqual([
      'drop constraint public.t.t_check',
      'drop constraint public.t.t_excl',
      'drop constraint public.t.t_p_fkey',
      'drop constraint public.t.t_unique',
      'drop index public.t.t_index',
    ]);
    expect(await rules()).toEqual([
      'own_check',
      'own_index',
      'own_unique',
      'p_pkey',
      't_pkey',
      't_plain',
    ]);
    expect((await fixture.follow({ cause: ddl('table') })).made).toEqual([]);
  });

  it('is dropped when it refuses a row, also the last key; before that, rows may be looked up by it', async () => {
    await build(`create table t (id int primary key, a int not null unique)`);
    await fixture.source.query(`alter table t drop constraint t_pkey, drop constraint t_a_key`);
    expect((await fixture.follow({ cause: ddl('table') })).made).toEqual([]);
    const cause = refused('constraint_violated', { constraint: 't_pkey', sqlstate: '23505' });
    expect((await fixture.follow({ cause })).made).toEqual(['drop constraint public.t.t_pkey']);
    expect(await rules()).toEqual(['t_a_key']);
  });

  it('is left to a person where the mirror follows nothing by itself', async () => {
    await build(`create table t (id int primary key, a int constraint t_check check (a > 0))`);
    await fixture.source.query(`alter table t drop constraint t_check`);
    const options = { schema_changes: 'manual' } as const;
    expect((await fixture.follow({ cause: ddl('table'), options })).made).toEqual([]);
    const { changes, in_sync: inSync } = await fixture.schema.diff(['public.t']);
    expect([inSync, changes]).toMatchObject([
      false,
      [{ kind: 'drop_check', destructive: false, reason: 'the source has dropped the constraint' }],
    ]);
    expect(await fixture.schema.sync(['public.t'], {})).toMatchObject({
      applied: [{ kind: 'drop_check' }],
      skipped: [],
    });
    expect(await rules()).toEqual(['t_pkey']);
  });

  it('is gone before the type of its column changes, and is known by what that made of it', async () => {
    await build(`
      create table t (id int primary key, a varchar(9) constraint first check (a <> ''), b varchar(9) constraint second check (b <> ''))`);
    await fixture.source.query(
      `alter table t drop constraint first, alter a type text, alter b type text`,
    );
    await fixture.follow();
    expect(await rules()).toEqual(['second', 't_pkey']);
    await fixture.source.query(`alter table t rename b to c`);
    await fixture.follow();
    await fixture.source.query(`alter table t drop constraint second`);
    expect((await fixture.follow({ cause: refused('constraint_violated') })).made).toEqual([
      'drop constraint public.t.second',
    ]);
  });

  it('is the destination’s own once somebody has made it otherwise there', async () => {
    await build(`create table t (id int primary key, a int constraint t_check check (a > 0))`);
    await fixture.destination.query(
      `alter table t drop constraint t_check, add constraint t_check check (a > 5)`,
    );
    await fixture.source.query(`alter table t drop constraint t_check`);
    expect((await fixture.follow({ cause: ddl('table') })).made).toEqual([]);
    const { changes } = await fixture.schema.diff(['public.t']);
    expect(changes).toMatchObject([{ kind: 'drop_check', destructive: true }]);
  });

  it('that has another name only stays, and so does what was renamed to it', async () => {
    await build(
      `create table t (id int primary key, a int constraint t_check check (a > 0) unique)`,
    );
    await fixture.source.query(
      `alter table t rename constraint t_check to other; alter index t_a_key rename to t_key`,
    );
    expect((await fixture.follow({ cause: ddl('table') })).made).toEqual([]);
    await fixture.schema.sync(['public.t'], {});
    expect(await rules()).toEqual(['other', 't_key', 't_pkey']);
    await fixture.source.query(`alter table t drop constraint other`);
    expect((await fixture.follow({ cause: ddl('table') })).made).toEqual([
      'drop constraint public.t.other',
    ]);
  });
});

describe('a label of an enum that the source has renamed', () => {
  const MOODS = `
    create type mood as enum ('glad', 'sad'); create table t (id int primary key, m mood); insert into t values (1, 'glad'), (2, 'sad')`;

  it('is renamed at the mark of its type and keeps its rows, also beside a new one of the old name', async () => {
    await build(MOODS);
    await fixture.source.query(
      `alter type mood rename value 'glad' to 'happy'; alter type mood add value 'glad' after 'happy'`,
    );
    // A row of before may come with the former name.
    expect((await fixture.follow()).made).toEqual([]);
    await fixture.follow({ cause: ddl('type') });
    expect(await labels()).toBe('happy glad sad');
    const rows = await fixture.rows(fixture.destination);
    expect(rows).toEqual([
      { id: 1, m: 'happy' },
      { id: 2, m: 'sad' },
    ]);
  });

  it('is renamed when a row was refused, once, and two may change places', async () => {
    await build(MOODS);
    await fixture.source.query(`
      alter type mood rename value 'glad' to 'x'; alter type mood rename value 'sad' to 'glad'; alter type mood rename value 'x' to 'sad'`);
    for (let round = 0; round < 2; round += 1) {
      const { made } = await fixture.follow({ cause: refused('value_rejected') });
      expect(made).toEqual(round === 0 ? ['rename a value of type "public"."mood"'] : []);
      expect(await fixture.rows(fixture.destination)).toEqual(await fixture.rows(fixture.source));
    }
  });

  it('is known though it was added only a moment ago, and is no other label of the destination', async () => {
    await build(MOODS);
    await fixture.destination.query(`alter type mood add value 'own' before 'sad'`);
    await fixture.source.query(`alter type mood add value 'calm' after 'glad'`);
    await fixture.follow({ cause: ddl('type') });
    await fixture.source.query(`alter type mood rename value 'calm' to 'quiet'`);
    await fixture.follow({ cause: ddl('type') });
    expect(await labels()).toBe('glad quiet own sad');
  });
});
