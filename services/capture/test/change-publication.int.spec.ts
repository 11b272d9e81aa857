import type { MirrorSpec, TableMapping } from '@bunnydb/contracts';
import { describeFailure } from '@bunnydb/failure';
import { MirrorError } from '@bunnydb/failure';
import { settingsOf } from '@bunnydb/pg-client';
import { type TestDatabase, createDatabase } from '@bunnydb/testkit';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type ChangedPublication, changePublication } from '../src/shell/change-publication.js';
import { specFor } from './mirror-fixture.js';

describe('the publication of a mirror', () => {
  let database: TestDatabase;
  let spec: MirrorSpec;

  beforeEach(async () => {
    database = await createDatabase({ prefix: 'publication' });
    spec = specFor(database, { tables: [] });
    await database.query(
      `create table a (id int primary key, v text); create table b (id int primary key, v text, w text);
       create table c (id int primary key, n int); create table bare (v text);
       create publication "${spec.publication_name}" for table a with (publish_via_partition_root = true)`,
    );
  });
  afterEach(() => database.drop());

  function change(
    tables: readonly (string | Partial<TableMapping>)[],
    more: Partial<MirrorSpec> = {},
  ): Promise<ChangedPublication> {
    const mappings = tables.map((wish) => {
      const table = typeof wish === 'string' ? wish : (wish.source?.table ?? '');
      const name = { schema: 'public', table };
      return {
        source: name,
        destination: name,
        exclude_columns: [],
        ...(typeof wish === 'string' ? {} : wish),
      };
    });
    const settings = settingsOf(spec.source, (sealed) => sealed, 'publication test');
    return changePublication(settings, { ...spec, tables: mappings, ...more });
  }

  async function refusal(
    tables: readonly (string | Partial<TableMapping>)[],
    more: Partial<MirrorSpec> = {},
  ): Promise<string> {
    try {
      await change(tables, more);
    } catch (error) {
      if (error instanceof MirrorError) return `${error.kind}: ${describeFailure(error)}`;
    }
    return 'it was not refused';
  }

  const of = (table: string, more: Partial<TableMapping>): Partial<TableMapping> => ({
    source: { schema: 'public', table },
    ...more,
  });

  async function published(name = spec.publication_name): Promise<unknown[]> {
    const rows = await database.query<{ tablename: string; attnames: string[]; rowfilter: string }>(
      `select tablename, attnames::text[], rowfilter from pg_publication_tables where pubname = '${name}' order by 1`,
    );
    return rows.map((row) => [row.tablename, row.attnames.join(), row.rowfilter]);
  }

  it('takes tables in and lets them go, and finds nothing to do when it is asked again', async () => {
    expect(await change(['a', 'c'])).toEqual({ added: ['public.c'], removed: [] });
    expect(await change(['a', 'c'])).toEqual({ added: [], removed: [] });
    expect(await change(['c', of('b', { exclude_columns: ['v'] })])).toEqual({
      added: ['public.b'],
      removed: ['public.a'],
    });
    expect(await published()).toEqual([
      ['b', 'id,w', null],
      ['c', 'id,n', null],
    ]);
    expect(await change([])).toEqual({ added: [], removed: ['public.b', 'public.c'] });
  });

  it('takes in a column that was added to a table with excluded columns, and a filter that changed', async () => {
    const b = of('b', { exclude_columns: ['v'] });
    await change(['a', b]);
    await database.query('alter table b add column later int');
    expect(await change(['a', b])).toEqual({ added: [], removed: [] });
    expect(await published()).toEqual([
      ['a', 'id,v', null],
      ['b', 'id,w,later', null],
    ]);
    await change([of('a', { row_filter: 'id > 5' }), 'b']);
    await change([of('a', { row_filter: 'id > 6' }), 'b']);
    expect(await published()).toEqual([
      ['a', 'id,v', '(id > 6)'],
      ['b', 'id,v,w,later', null],
    ]);
  });

  it('keeps a table that was renamed, and needs none that was dropped', async () => {
    await change(['a', 'b', of('c', { row_filter: 'id > 5' })]);
    await database.query(
      'alter table a rename to renamed; create table fresh (id int primary key)',
    );
    const wanted = ['a', 'b', of('c', { row_filter: 'id > 6' }), 'fresh'];
    expect(await change(wanted)).toEqual({ added: ['public.fresh'], removed: [] });
    expect(await published()).toEqual([
      ['b', 'id,v,w', null],
      ['c', 'id,n', '(id > 6)'],
      ['fresh', 'id', null],
      ['renamed', 'id,v', null],
    ]);
    // Under its name of now it is in the publication already.
    expect(await change(['renamed', 'b'])).toEqual({
      added: [],
      removed: ['public.c', 'public.fresh'],
    });
  });

  it('never drops a table that stays, not even within its transaction', async () => {
    await change(['a', 'b', of('c', { row_filter: 'id > 5' })]);
    const entries = (): Promise<unknown[]> =>
      database.query(
        `select oid, xmin from pg_publication_rel where prrelid = any ('{a,b}'::regclass[])`,
      );
    const before = await entries();
    await change(['a', 'b', of('c', { row_filter: 'id > 6' })]);
    await change(['a', 'b']);
    expect(await entries()).toEqual(before);
  });

  it('refuses a table that the source could no longer write to, with the SQL that mends it, and changes nothing', async () => {
    await database.query(
      `create table nothing (id int primary key); alter table nothing replica identity nothing;
       create table parted (id int) partition by range (id); create table part_1 partition of parted for values from (0) to (9);
       create table whole (id int primary key, v text); alter table whole replica identity full;
       create table computed (id int, code int generated always as (id * 2) stored primary key)`,
    );
    const noIdentity =
      'replica_identity_missing: a table has no replica identity, so its updates and deletes would be refused';
    expect(await refusal(['a', 'c', 'bare'])).toContain(
      `${noIdentity} (table public.bare, publication ${spec.publication_name}); fix: alter table "public"."bare" replica identity full`,
    );
    expect(await refusal(['a', 'nothing'])).toContain('table public.nothing');
    expect(await refusal(['a', 'parted'])).toContain(
      'alter table "public"."part_1" replica identity full',
    );
    expect(await refusal([of('c', { row_filter: 'n > 5' })])).toContain(
      'a row filter reads columns',
    );
    expect(await refusal([of('b', { row_filter: `w = ''`, exclude_columns: ['v'] })])).toContain(
      'a row filter reads columns',
    );
    expect(await refusal([of('a', { exclude_columns: ['id'] })])).toContain('column id');
    expect(await refusal([of('whole', { exclude_columns: ['v'] })])).toContain(
      'replica identity default',
    );
    expect(await refusal(['a', 'computed'])).toContain('column code');
    expect(await published()).toEqual([['a', 'id,v', null]]);
    await database.query(
      'alter table bare replica identity full; alter table part_1 replica identity full',
    );
    expect(await change(['a', 'bare', 'parted', 'whole'])).toMatchObject({ removed: [] });
  });

  it('is only looked at when it is the user’s, and what it lacks is told', async () => {
    await database.query(
      `create publication theirs for table a, b; create table parted (id int primary key) partition by range (id);
       create table part_1 partition of parted for values from (0) to (9)`,
    );
    const own = { own_publication: true, publication_name: 'theirs' };
    expect(await change(['a'], own)).toEqual({ added: [], removed: [] });
    expect(await published('theirs')).toHaveLength(2);
    expect(await refusal(['a', 'c'], own)).toContain(
      'invalid_input: the publication that was named lacks a table (table public.c, publication theirs); fix: alter publication "theirs" add table "public"."c"',
    );
    await database.query('alter publication theirs add table parted');
    expect(await refusal(['parted'], own)).toContain('set (publish_via_partition_root = true)');
    expect(await refusal(['a'], { ...own, publication_name: 'gone' })).toContain(
      'publication_missing',
    );
  });
});
