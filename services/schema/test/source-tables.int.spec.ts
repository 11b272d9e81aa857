import { COMMAND_STREAM, type AnyCommand, type MirrorSpec } from '@bunnydb/contracts';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SessionFixture } from './session-fixture.js';

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

/** A mirror of one table whose publication is made by hand, with its session. */
async function startMirror(
  columns = '',
  excluded: readonly string[] = [],
  more: Partial<MirrorSpec> = {},
): Promise<MirrorSpec> {
  const spec = fixture.spec(['public.t'], { publication_name: 'ours', ...more });
  const tables = spec.tables.map((table) => ({ ...table, exclude_columns: excluded }));
  const mirror = { ...spec, tables };
  await fixture.databases.source.query(`create publication ours for table t ${columns}`);
  await fixture.place(mirror);
  await start(mirror);
  return mirror;
}

/** Starts the session; it has had its first look at the source's tables then. */
async function start(spec: MirrorSpec): Promise<void> {
  fixture.start(spec);
  await fixture.waitFor('the first look', async () => (await notes()).length > 0);
}

/** What is noted of the source's tables. */
async function notes(): Promise<readonly { readonly oid: string; readonly due: boolean }[]> {
  const { destination } = fixture.databases;
  const [there] = await destination.query<{ exists: boolean }>(
    `select to_regclass('_bunny.source_table') is not null as exists`,
  );
  if (there?.exists !== true) return [];
  return destination.query('select oid::text, is_recopy_due as due from _bunny.source_table');
}

/** All commands to a service, in order. */
async function commands(service: string): Promise<readonly AnyCommand[]> {
  const { jsm } = fixture.messaging;
  const { state } = await jsm.streams.info(COMMAND_STREAM);
  const found: AnyCommand[] = [];
  for (let seq = Math.max(1, state.first_seq); seq <= state.last_seq; seq += 1) {
    const message = await jsm.streams.getMessage(COMMAND_STREAM, { seq });
    if (message?.subject.startsWith(`bunny.cmd.${service}.`)) found.push(message.json());
  }
  return found;
}

describe('a table of the source that is not what it was', () => {
  it('because it was made anew is published, and copied again once it is', async () => {
    await bothSides('create table t (id int primary key)');
    const spec = await startMirror();
    await fixture.databases.source.query(
      'begin; drop table t; create table t (id int primary key); insert into t values (7); commit',
    );
    await fixture.waitFor('the publication to be asked for', async () =>
      (await commands('capture')).some(({ verb }) => verb === 'change_publication'),
    );
    expect(await commands('apply')).toEqual([]);
    // What is due survives the session.
    await fixture.stop();
    await fixture.databases.source.query('alter publication ours add table t');
    fixture.start(spec);
    await fixture.waitFor('the copy', async () => (await commands('apply')).length > 0);
    await fixture.waitFor('the debt to be paid', async () => (await notes())[0]?.due === false);
    expect(await commands('apply')).toMatchObject([
      {
        verb: 'change_lanes',
        body: { wish: { action: 'resync', strategy: 'truncate' }, tables: ['public.t'] },
      },
    ]);
  });

  it('in a publication of the user’s that takes all tables is copied again', async () => {
    await bothSides('create table t (id int primary key)');
    await fixture.databases.source.query('create publication theirs for all tables');
    await startMirror('', [], { publication_name: 'theirs', own_publication: true });
    await fixture.databases.source.query('drop table t; create table t (id int primary key)');
    await fixture.waitFor('the copy', async () => (await commands('apply')).length > 0);
    expect(await commands('capture')).toEqual([]);
  });

  it('because it has a column that the list of columns lacks is published with it, and copied again', async () => {
    await bothSides('create table t (id int primary key, a int, secret text)');
    await startMirror('(id, a)', ['secret']);
    await fixture.databases.source.query('alter table t add column b int default 3');
    await fixture.waitFor('the publication to be asked for', async () =>
      (await commands('capture')).some(({ verb }) => verb === 'change_publication'),
    );
    await fixture.databases.source.query('alter publication ours set table t (id, a, b)');
    await fixture.waitFor('the copy', async () => (await commands('apply')).length > 0);
  });

  it('since it was dropped is told, and nothing else happens', async () => {
    await bothSides('create table t (id int primary key)');
    const spec = fixture.spec(['public.t', 'public.u'], { publication_name: 'ours' });
    await bothSides('create table u (id int primary key)');
    await fixture.databases.source.query('create publication ours for table t, u');
    await fixture.place(spec);
    await start(spec);
    await fixture.databases.source.query('drop table t');
    await fixture.waitFor('it to be told', () =>
      JSON.stringify(fixture.bodies('structure_compared')).includes('public.t: the source has no'),
    );
    expect([...(await commands('capture')), ...(await commands('apply'))]).toEqual([]);
  });
});
