import { type PostgresServer, equalDatabases, startPostgres } from '@bunnydb/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Stack, startStack } from '../src/stack.js';

const TABLES = 10_000;
/** Locks of one transaction are bounded, so tables are made some at a time. */
const TABLES_AT_ONCE = 500;
const SET_UP_MS = 1_800_000;

describe('many tables', () => {
  let postgres: PostgresServer;
  let stack: Stack;

  beforeAll(async () => {
    postgres = await startPostgres({
      version: 17,
      settings: { shared_buffers: '512MB', max_wal_size: '4GB', max_connections: 200 },
    });
    stack = await startStack('many-tables', { postgresUrl: postgres.url });
  });
  afterAll(async () => {
    await stack?.stop();
    await postgres?.stop('immediate');
  });

  test('a mirror of 10 000 tables is made, copied, and follows changes in any of them', async () => {
    const pair = await stack.createPair();
    for (let first = 1; first <= TABLES; first += TABLES_AT_ONCE) {
      await pair.source.query(`do $$ begin for n in ${first}..${first + TABLES_AT_ONCE - 1} loop
        execute format('create table table_%s (id int primary key, v text); insert into table_%s values (1, %L), (2, null)', n, n, 'v' || n);
      end loop; end $$`);
    }
    const start = performance.now();
    const mirror = await pair.createMirror({ all_tables: true });
    await mirror.waitForStatus('running', SET_UP_MS);
    const seconds = (performance.now() - start) / 1000;
    process.stdout.write(`soak: a mirror of ${TABLES} tables runs after ${seconds.toFixed(1)} s\n`);
    await pair.source.query(`do $$ begin for n in 1..${TABLES} by 97 loop
      execute format('update table_%s set v = v || %L; delete from table_%s where id = 2; insert into table_%s values (3, %L)', n, '!', n, n, 'new');
    end loop; end $$`);
    await mirror.waitForCatchUp(SET_UP_MS);
    const { equal, tables } = await equalDatabases(pair.sourceUrl, pair.destinationUrl);
    expect(tables.filter((table) => !table.equal).map(({ difference }) => difference)).toEqual([]);
    expect(equal).toBe(true);
    expect(tables.length).toBe(TABLES + 1);
  });
});
