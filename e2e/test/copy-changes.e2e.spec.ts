import { samePair } from '@bunnydb/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { DatabasePair } from '../src/database-pair.js';
import type { MirrorFixture } from '../src/mirror-fixture.js';
import { type Stack, startStack } from '../src/stack.js';

const TABLES = `
  create table altered (id serial primary key, a integer not null, b text not null, c varchar(5));
  create table renamed (id serial primary key, a text); create table dropped (id integer primary key);
  create table remade (id integer primary key, a text); create table calm (id integer primary key, a text);
  insert into altered (a, b) select n, n from generate_series(1, 300) n; insert into renamed (a) select n from generate_series(1, 300) n;
  insert into dropped select n from generate_series(1, 30) n; insert into remade select n, n from generate_series(1, 300) n;
  insert into calm select n, n from generate_series(1, 300) n`;

const CHANGES = `
  alter table altered rename b to text; alter table altered alter a type bigint; alter table altered add d integer not null default 4;
  alter table altered drop c; update altered set d = 5 where id = 1; insert into altered (a, text) values (5000000000, 'new');
  alter table renamed rename to called; insert into called (a) values ('new'); drop table dropped;
  drop table remade; create table remade (id integer primary key, n integer); insert into remade values (1, 2)`;

describe('what changes before the first copy of its table', () => {
  let stack: Stack;

  beforeAll(async () => {
    stack = await startStack('copy-changes', { environment: { BUNNY_SCHEMA_POLL_MS: '500' } });
  });
  afterAll(() => stack?.stop());

  async function settles(pair: DatabasePair, mirror: MirrorFixture): Promise<void> {
    const wanted = ['altered', 'called', 'remade', 'calm'];
    let last = '';
    await pair.until(
      async () => {
        const { tables = [], ...view } = await mirror.view();
        last = JSON.stringify({ view, tables });
        return wanted.every(
          (name) =>
            tables.find((table) => table.table_name === `public.${name}`)?.status === 'running',
        );
      },
      () => `all tables to stream: ${last}`,
    );
    await pair.source.query(
      `insert into called (a) values ('last'); insert into altered (a, text) values (1, 'last')`,
    );
    await mirror.waitForEqual(wanted.map((name) => samePair('public', name)));
    const { tables = [] } = await mirror.view();
    expect(tables.map((table) => table.table_name)).not.toContain('public.dropped');
  }

  test('is followed when it comes between set-up and copy', async () => {
    const pair = await stack.createPair({ source: TABLES });
    await stack.terminate('apply');
    const mirror = await pair.createMirror({ all_tables: true });
    await pair.until(
      async () => (await mirror.view()).phase?.includes('start the copy') === true,
      'the mirror to be set up',
    );
    await pair.source.query(CHANGES);
    await stack.restart('apply');
    await settles(pair, mirror);
  });

  test('is followed when it comes while another table is copied', async () => {
    const pair = await stack.createPair({
      source: `${TABLES}; create table large (id integer primary key, pad text); insert into large select n, repeat('x', 1000) from generate_series(1, 3000) n`,
    });
    const mirror = await pair.createMirror({ all_tables: true, snapshot_max_parallel_workers: 1 });
    // The largest goes first; nobody may write it for now.
    const blocker = pair.observer;
    await pair.until(async () => {
      const { rows } = await pair.destination.query(
        `select to_regclass('large') is not null as there`,
      );
      return rows[0]?.there === true;
    }, 'the table to be made');
    await blocker.query('begin; lock table large in share mode');
    await mirror.waitForStatus('snapshotting');
    await pair.until(async () => {
      const { rows } = await pair.destination.query(
        `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
      );
      return rows.length > 0;
    }, 'the copy to wait');
    await pair.source.query(CHANGES);
    await blocker.query('commit');
    await settles(pair, mirror);
    await mirror.waitForEqual([samePair('public', 'large')]);
  });
});
