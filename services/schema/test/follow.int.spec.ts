import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { FollowFixture, columnsOf } from './follow-fixture.js';

let fixture: FollowFixture;

beforeAll(async () => {
  fixture = await FollowFixture.open();
});

afterEach(async () => {
  await fixture.clear();
});

afterAll(async () => {
  await fixture.close();
});

const FOLLOWED = { outcome: { tag: 'followed' } };

describe('a column that was added on the source', () => {
  it('gives the rows that are there what they have on the source, and leaves what tightens for later', async () => {
    await fixture.start(`create table t (id int primary key); insert into t values (1), (2)`);
    await fixture.source.query(
      `alter table t add plain text, add five int not null default 5, add at timestamptz default now(), add late int`,
    );
    await fixture.source.query(`alter table t alter late set default 7, alter five set default 6`);
    const reply = await fixture.follow();
    expect(reply).toMatchObject(FOLLOWED);
    expect(await fixture.rows(fixture.destination)).toEqual(await fixture.rows(fixture.source));
    expect(await fixture.columns()).toEqual([
      expect.stringMatching(/^at timestamp with time zone default '.*'::timestamp with time zone$/),
      'five integer default 5',
      'id integer not null',
      'late integer',
      'plain text',
    ]);
    // Defaults and NOT NULL come once the stream is known to be past the rows that lack them.
    expect(reply.pending).toBe(4);
    expect((await fixture.follow()).made).toEqual([]);
  });

  it('waits for its own mark when the catalog is ahead of the stream', async () => {
    await fixture.start(`create table t (id int primary key)`);
    await fixture.source.query(`alter table t add a int`);
    const early = await fixture.mark();
    await fixture.source.query(`alter table t add b timestamptz default now()`);
    await fixture.follow({ cause: early });
    expect(await fixture.columns()).toEqual(['a integer', 'id integer not null']);
    await fixture.follow();
    expect(await fixture.columns()).toContainEqual(expect.stringMatching(/^b timestamp/));
  });

  it('is made nullable when the source has dropped it meanwhile', async () => {
    await fixture.start(`create table t (id int primary key)`);
    await fixture.source.query(`alter table t add a varchar(7) not null default 'x'`);
    const early = await fixture.mark();
    await fixture.source.query(`alter table t drop a`);
    expect(await fixture.follow({ cause: early })).toMatchObject(FOLLOWED);
    expect(await fixture.columns()).toContain('a character varying(7)');
    expect(await fixture.follow()).toMatchObject(FOLLOWED);
  });

  it.each([
    ['a volatile default', 'add v uuid default gen_random_uuid()'],
    ['a sequence', 'add v serial'],
    ['an identity', 'add v int generated always as identity'],
  ])('has the table copied again when %s gave each row its own', async (_, alter) => {
    await fixture.start(`create table t (id int primary key); insert into t values (1), (2)`);
    await fixture.source.query(`alter table t ${alter}`);
    expect(await fixture.follow()).toMatchObject({ outcome: { tag: 'recopy' } });
    await fixture.destination.query('insert into t (id, v) select id + 10, v from t limit 0');
  });

  it('brings its type along, and computes itself if it is generated', async () => {
    await fixture.start(`create table t (id int primary key); insert into t values (4)`);
    await fixture.source.query(
      `create type mood as enum ('bad', 'good'); create domain small as int check (value < 100);
       alter table t add twice int generated always as (id * 2) stored;
       alter table t add s small; alter table t add m mood default 'good'`,
    );
    expect(await fixture.follow()).toMatchObject(FOLLOWED);
    expect(await fixture.rows(fixture.destination)).toEqual([
      { id: 4, m: 'good', s: null, twice: 8 },
    ]);
  });
});

describe('a column that was renamed on the source', () => {
  it('is renamed together with what is noted of it, and its former name stays known', async () => {
    await fixture.start(`create table t (id int primary key, a int); insert into t values (1, 5)`);
    await fixture.source.query(`alter table t rename a to b`);
    expect(await fixture.follow()).toMatchObject({
      ...FOLLOWED,
      made: ['rename column public.t.a to b'],
    });
    expect(await fixture.rows(fixture.destination)).toEqual([{ id: 1, b: 5 }]);
    const noted = await fixture.destination.query(
      `select attribute_number, name, former_names from _bunny.column_name order by 1`,
    );
    expect(noted).toEqual([
      { attribute_number: 1, name: 'id', former_names: [] },
      { attribute_number: 2, name: 'b', former_names: ['a'] },
    ]);
  });

  it('may change names with another, or take the name of one that was dropped; then the table is copied, too', async () => {
    await fixture.start(
      `create table t (id int primary key, a int, b int, c int); insert into t values (1, 2, 3, 4)`,
    );
    await fixture.source.query(
      `alter table t rename a to x; alter table t rename b to a; alter table t rename x to b`,
    );
    expect(await fixture.follow()).toMatchObject({ outcome: { tag: 'recopy' } });
    expect(await fixture.rows(fixture.destination)).toEqual([{ id: 1, a: 3, b: 2, c: 4 }]);
    await fixture.source.query(`alter table t drop a; alter table t rename c to a`);
    expect(await fixture.follow()).toMatchObject({ outcome: { tag: 'recopy' } });
    expect(await fixture.rows(fixture.destination)).toEqual([
      { id: 1, a: 4, b: 2, a_dropped_3: 3 },
    ]);
  });

  it('gets each of its names in stream order', async () => {
    await fixture.start(`create table t (id int primary key, a int); insert into t values (1, 5)`);
    await fixture.source.query(`alter table t rename a to b`);
    const early = await fixture.mark();
    await fixture.source.query(`alter table t rename b to c`);
    await fixture.follow({ cause: early });
    expect(await fixture.columns()).toContain('b integer');
    await fixture.follow();
    expect(await fixture.rows(fixture.destination)).toEqual([{ id: 1, c: 5 }]);
  });

  it('stays out of the mirror when the mirror leaves it out', async () => {
    const mapping = { exclude_columns: ['secret'] };
    await fixture.source.query(`create table t (id int primary key, secret text)`);
    await fixture.destination.query(`create table t (id int primary key)`);
    await fixture.follow({ mapping });
    await fixture.source.query(`alter table t rename secret to s2`);
    const ddl = {
      kind: 'ddl',
      tag: 'ALTER TABLE',
      role: '',
      search_path: '',
      objects: [],
    } as const;
    expect(await fixture.follow({ mapping, cause: ddl })).toMatchObject({ ...FOLLOWED, made: [] });
    expect(await fixture.follow({ mapping })).toMatchObject({ outcome: { tag: 'hold' } });
    expect(await fixture.columns()).toEqual(['id integer not null']);
  });
});

describe('a column that was dropped on the source', () => {
  it('is kept, and takes NULL from then on', async () => {
    await fixture.start(
      `create table t (id int primary key, a int not null); insert into t values (1, 5)`,
    );
    await fixture.source.query(`alter table t drop a; insert into t values (2)`);
    const reply = await fixture.follow();
    expect(reply).toMatchObject({ ...FOLLOWED, pending: 1 });
    await fixture.destination.query(`insert into t (id) values (2)`);
    expect(await fixture.columns()).toEqual(['a integer', 'id integer not null']);
  });

  it('gives its name to one that was added again, and the table is copied', async () => {
    await fixture.start(`create table t (id int primary key, a int); insert into t values (1, 5)`);
    await fixture.source.query(`alter table t drop a; alter table t add a text`);
    expect(await fixture.follow()).toMatchObject({ outcome: { tag: 'recopy' } });
    expect(await fixture.columns()).toEqual([
      'a text',
      'a_dropped_2 integer',
      'id integer not null',
    ]);
    expect((await fixture.follow()).outcome).toEqual({ tag: 'followed' });
  });
});

describe('a type that was changed on the source', () => {
  it('is followed when it is wider', async () => {
    await fixture.start(
      `create table t (id int primary key, a int, b varchar(5), c numeric(6,2) default 1); insert into t values (1, 2, 'x', 3)`,
    );
    await fixture.source.query(
      `alter table t alter id type bigint, alter a type bigint, alter b type text, alter c type numeric(10,2)`,
    );
    expect(await fixture.follow()).toMatchObject({ ...FOLLOWED, pending: 0 });
    expect(await fixture.columns()).toEqual(await columnsOf(fixture.source));
  });

  it('holds a large table that PostgreSQL would write anew, and leaves it as it is', async () => {
    await fixture.start(`create table t (id int primary key, a int)`);
    const rows = `insert into t select n, n from generate_series(1, 300000) n`;
    for (const database of [fixture.source, fixture.destination]) await database.query(rows);
    await fixture.source.query(`alter table t alter a type bigint`);
    const reply = await fixture.follow();
    expect(reply).toMatchObject({
      outcome: { tag: 'hold', failure: { kind: 'schema_mismatch', detail: { column: 'a' } } },
      pending: 1,
    });
    expect(await fixture.columns()).toContain('a integer');
  });

  it('is left when it is narrower, and holds the table when its values do not fit', async () => {
    await fixture.start(`create table t (id int primary key, a bigint, b int)`);
    await fixture.source.query(`alter table t alter a type int`);
    expect(await fixture.follow()).toMatchObject({ ...FOLLOWED, pending: 1, made: [] });
    await fixture.source.query(`alter table t alter b type date using null`);
    expect(await fixture.follow()).toMatchObject({ outcome: { tag: 'hold' }, pending: 2 });
  });
});

describe('without a new shape', () => {
  const cause = {
    kind: 'ddl',
    tag: 'ALTER TABLE',
    role: 'someone',
    search_path: 'public',
    objects: [{ type: 'type', schema: 'public', identity: 'public.mood', dropped: false }],
  } as const;

  it('NOT NULL and values of enums are followed at the mark of a command', async () => {
    await fixture.start(
      `create type mood as enum ('b', 'd'); create table t (id int primary key, a int not null default 3, m mood)`,
    );
    await fixture.source.query(
      `alter table t alter a drop not null; alter type mood add value 'a' before 'b';
       alter type mood add value 'c' after 'b'; alter type mood add value 'e'`,
    );
    const reply = await fixture.follow({ cause });
    expect(reply).toMatchObject(FOLLOWED);
    expect(await fixture.columns()).toEqual(await columnsOf(fixture.source));
    const labels = `select array_agg(enumlabel::text order by enumsortorder) as labels from pg_enum`;
    expect(await fixture.destination.query(labels)).toEqual([
      { labels: ['a', 'b', 'c', 'd', 'e'] },
    ]);
  });

  it('rows that were refused find that there is something to make, or not', async () => {
    await fixture.start(`create table t (id int primary key, a int not null)`);
    await fixture.source.query(`alter table t alter a drop not null`);
    const failure = {
      kind: 'constraint_violated',
      message: '',
      hint: '',
      action: 'retry_timed',
      detail: {},
    } as const;
    const refused = { kind: 'refused', failure } as const;
    expect((await fixture.follow({ cause: refused })).made).toEqual(['drop not null public.t.a']);
    expect((await fixture.follow({ cause: refused })).made).toEqual([]);
  });
});

describe('what is not for us to make', () => {
  it('is not made by a mirror that is not to, and only what rows need holds the table', async () => {
    await fixture.start(`create table t (id int primary key, a int, z int)`);
    const manual = { schema_changes: 'manual' } as const;
    await fixture.source.query(`alter table t alter a set default 5, drop z`);
    expect(await fixture.follow({ options: manual })).toMatchObject({ ...FOLLOWED, made: [] });
    await fixture.source.query(`alter table t rename a to b`);
    expect(await fixture.follow({ options: manual })).toMatchObject({
      outcome: { tag: 'hold', failure: { kind: 'schema_mismatch' } },
      made: [],
    });
    expect(await fixture.columns()).toEqual(['a integer', 'id integer not null', 'z integer']);
    expect(await fixture.follow()).toMatchObject(FOLLOWED);
  });

  it('holds a table that the destination lacks, or that the source has renamed', async () => {
    await fixture.start(`create table t (id int primary key)`);
    const mark = await fixture.mark();
    await fixture.source.query(`alter table t rename to u`);
    expect(await fixture.follow({ cause: mark })).toMatchObject({
      outcome: {
        tag: 'hold',
        failure: { kind: 'table_renamed', hint: expect.stringMatching(/public\.u/) },
      },
    });
    await fixture.destination.query(`drop table t`);
    await fixture.source.query(`alter table u rename to t`);
    expect(await fixture.follow({ cause: mark })).toMatchObject({
      outcome: { tag: 'hold', failure: { kind: 'table_missing' } },
    });
  });

  it('holds a table that somebody else has locked, after a few seconds', async () => {
    await fixture.start(`create table t (id int primary key, a int)`);
    await fixture.source.query(`alter table t add b int`);
    const lock = await fixture.destination.connect();
    try {
      await lock.query('begin; lock table t');
      expect(await fixture.follow()).toMatchObject({
        outcome: { tag: 'hold', failure: { kind: 'lock_timeout' } },
      });
    } finally {
      await lock.end();
    }
    expect(await fixture.follow()).toMatchObject(FOLLOWED);
  });
});

describe('asked again', () => {
  it('by many at once, it makes each change once', async () => {
    await fixture.start(`create table t (id int primary key, a int)`);
    await fixture.source.query(`alter table t add b int, add c int; alter table t rename a to d`);
    const replies = await Promise.all(Array.from({ length: 5 }, () => fixture.follow()));
    for (const reply of replies) expect(reply).toMatchObject(FOLLOWED);
    expect(replies.flatMap((reply) => reply.made)).toHaveLength(3);
  });

  it('answers in a new session when the one that it kept has died', async () => {
    await fixture.start(`create table t (id int primary key, a int)`);
    await fixture.follow({ cause: await fixture.mark() });
    await fixture.destination.query(
      `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'bunnydb schema follow'`,
    );
    expect(await fixture.follow()).toMatchObject(FOLLOWED);
  });
});
