import { samePair } from '@bunnydb/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Stack, startStack } from '../src/stack.js';
import { waitForTables } from '../src/table-list.js';

describe('mirrors of patterns', () => {
  let stack: Stack;

  beforeAll(async () => {
    stack = await startStack('table-patterns');
  });
  afterAll(() => stack?.stop());

  test('a table that is made in a mirrored schema, or moved into it, joins by itself with its rows; one beside it does not', async () => {
    const pair = await stack.createPair({
      source: `create schema app; create schema beside;
        create table app.first (id integer primary key, v text); insert into app.first values (1, 'one');
        create table beside.mover (id integer primary key, v text); insert into beside.mover values (1, 'moved');`,
    });
    const mirror = await pair.createMirror({ table_mappings: ['app.*'] });
    await mirror.waitForStatus('running');
    await pair.source.query(`create table app.second (id integer primary key, v text);
      insert into app.second select i, 'v' from generate_series(1, 100) i;
      create table beside.third (id integer primary key);
      create unlogged table app.unlogged (id integer primary key)`);
    await waitForTables(mirror, ['app.first', 'app.second']);
    await pair.source.query(`insert into app.second values (101, 'later')`);
    await mirror.waitForEqual([samePair('app', 'first'), samePair('app', 'second')]);
    await pair.source.query('alter table beside.mover set schema app');
    await waitForTables(mirror, ['app.first', 'app.mover', 'app.second']);
    await pair.source.query(`insert into app.mover values (2, 'and changed')`);
    await mirror.waitForEqual(['first', 'mover', 'second'].map((table) => samePair('app', table)));
    const { rows } = await pair.destination.query(
      `select relname from pg_class where relname in ('third', 'unlogged')`,
    );
    expect(rows).toEqual([]);
    await mirror.remove();
  });

  test('a table that is moved out of a mirrored schema is held with the reason, and the others go on', async () => {
    const pair = await stack.createPair({
      source: `create schema app; create schema beside;
        create table app.stays (id integer primary key, v text);
        create table app.mover (id integer primary key, v text); insert into app.mover values (1, 'one');`,
    });
    const mirror = await pair.createMirror({ table_mappings: ['app.*'] });
    await mirror.waitForStatus('running');
    await pair.source.query('alter table app.mover set schema beside');
    await pair.source.query(`insert into beside.mover values (2, 'from outside')`);
    const { error_message } = await mirror.waitForTable('app.mover', 'held');
    expect(error_message).toMatch(/renamed|moved/);
    await pair.source.query(`insert into app.stays values (1, 'goes on')`);
    await mirror.waitForEqual([samePair('app', 'stays')]);
    await pair.source.query('alter table beside.mover set schema app');
    await stack.api.call('POST', `/v1/mirrors/${mirror.name}/retry`, { table: 'app.mover' });
    await waitForTables(mirror, ['app.mover', 'app.stays']);
    await mirror.waitForEqual([samePair('app', 'mover'), samePair('app', 'stays')]);
    await mirror.remove();
  });

  test('with all_tables a table of a schema that is new, too, joins by itself', async () => {
    const pair = await stack.createPair({ source: `create table one (id integer primary key);` });
    const mirror = await pair.createMirror({ all_tables: true });
    await mirror.waitForStatus('running');
    await pair.source.query(`create schema fresh;
      create table fresh.born (id integer primary key, v text); insert into fresh.born values (1, 'x')`);
    await waitForTables(mirror, ['public.one', 'fresh.born']);
    await pair.source.query(`update fresh.born set v = 'y'`);
    await mirror.waitForEqual([samePair('public', 'one'), samePair('fresh', 'born')]);
    await mirror.remove();
  });

  test('what is excluded from all tables does not come, nor join when it is made later, until the next list of tables says otherwise', async () => {
    const pair = await stack.createPair({
      source: `create schema audit; create table audit.trail (id integer primary key);
        create table one (id integer primary key); create table log_1 (id integer primary key, v text);
        insert into one values (1); insert into log_1 values (1, 'old'); insert into audit.trail values (1);`,
    });
    const mirror = await pair.createMirror({
      all_tables: true,
      exclude_tables: ['public.log_*', 'audit.*'],
    });
    await mirror.waitForStatus('running');
    await pair.source
      .query(`create table log_2 (id integer primary key); insert into log_2 values (1);
      create table audit.more (id integer primary key); create table two (id integer primary key);
      insert into log_1 values (2, 'new'); insert into one values (2); insert into two values (1)`);
    await waitForTables(mirror, ['public.one', 'public.two']);
    const pairs = (...tables: readonly string[]) =>
      tables.map((table) => samePair('public', table));
    await mirror.waitForEqual(pairs('one', 'two'));
    const { publication_name } = await mirror.view();
    const published = await pair.source.query(
      `select tablename from pg_publication_tables where pubname = $1
        and (schemaname = 'audit' or tablename in ('one', 'two') or tablename like 'log%') order by 1`,
      [publication_name],
    );
    expect(published.rows).toEqual([{ tablename: 'one' }, { tablename: 'two' }]);
    const change = await stack.api.call('PUT', `/v1/mirrors/${mirror.name}/tables`, {
      all_tables: true,
      exclude_tables: ['audit.*', 'public."two"', 'public.log_1'],
    });
    expect(change).toMatchObject({
      status: 200,
      body: { added: ['public.log_2'], removed: ['public.two'] },
    });
    await waitForTables(mirror, ['public.log_2', 'public.one']);
    await mirror.waitForEqual(pairs('log_2', 'one'));
    const { rows } = await pair.destination.query(
      `select relname from pg_class where relname in ('trail', 'more', 'log_1')`,
    );
    expect(rows).toEqual([]);
    await mirror.remove();
  });
});
