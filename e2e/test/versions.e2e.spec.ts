import {
  POSTGRES_VERSIONS,
  type PostgresServer,
  type PostgresVersion,
  THROW_AWAY_SETTINGS,
  samePair,
  startPostgres,
} from '@bunnydb/testkit';
import { afterAll, beforeAll, describe, test } from 'vitest';
import { type Stack, startStack } from '../src/stack.js';

const PAIRS = POSTGRES_VERSIONS.flatMap((source) =>
  POSTGRES_VERSIONS.map((destination) => [source, destination] as const),
);

/** A bit of everything that travels: kinds of values, keys, partitions, what is generated, and what waits for the copy to end. */
const SCHEMA = `
create type mood as enum ('sad', 'ok', 'happy');
create table person (id bigint generated always as identity primary key, name text not null unique, feels mood, tags text[] default '{}',
  born timestamptz, data jsonb, span int4range, raw bytea, twice bigint generated always as (id * 2) stored);
create index person_data on person using gin (data);
create table note (id uuid primary key default gen_random_uuid(), person bigint not null references person, body text);
create table log (at date not null, line text) partition by range (at);
create table log_old partition of log for values from (minvalue) to ('2025-01-01');
create table log_new partition of log for values from ('2025-01-01') to (maxvalue);
alter table log replica identity full; alter table log_old replica identity full; alter table log_new replica identity full;
insert into person (name, feels, tags, born, data, span, raw) select 'p' || n, (array['sad', 'ok', 'happy']::mood[])[1 + n % 3], array['t' || n, null],
  'epoch'::timestamptz + n * interval '1 day', jsonb_build_object('n', n), int4range(n, n + 5), decode(lpad(to_hex(n), 8, '0'), 'hex') from generate_series(1, 200) n;
insert into note (person, body) select n, repeat(md5(n::text), 200) from generate_series(1, 100) n;
insert into log select date '2024-12-01' + n % 60, 'line ' || n from generate_series(1, 300) n;`;
const CHANGES = `
begin; update person set feels = 'happy', data = data || '{"x": [1, null]}' where id % 4 = 0; delete from note where person % 5 = 0; commit;
insert into person (name, raw) values ('late', null); update note set body = body || '!' where person < 10; delete from person where name = 'p200';
update log set at = at + 100 where line like '%7'; delete from log where line like '%3'; truncate note; insert into note (person, body) values (1, 'again')`;
const TABLES = ['person', 'note', 'log'].map((table) => samePair('public', table));

describe('versions of PostgreSQL', () => {
  let stack: Stack;
  const servers = new Map<PostgresVersion, PostgresServer>();

  beforeAll(async () => {
    const [started] = await Promise.all([
      startStack('versions'),
      ...POSTGRES_VERSIONS.map(async (version) => {
        const settings = { ...THROW_AWAY_SETTINGS, shared_buffers: '32MB' };
        servers.set(version, await startPostgres({ version, settings }));
      }),
    ]);
    stack = started;
  });
  afterAll(async () => {
    await stack?.stop();
    await Promise.all([...servers.values()].map((server) => server.stop('immediate')));
  });

  test.concurrent.each(PAIRS)(
    '%i arrives in %i, by the copy and by the stream',
    async (from, to) => {
      const pair = await stack.createPair({
        source: SCHEMA,
        sourceServerUrl: urlOf(from),
        destinationServerUrl: urlOf(to),
      });
      const mirror = await pair.createMirror({ all_tables: true });
      await mirror.waitForStatus('running');
      await pair.source.query(CHANGES);
      await mirror.waitForEqual(TABLES);
      await pair.until(
        async () => (await mirror.view()).phase === 'streaming changes',
        'indexes and foreign keys to be built',
      );
      await mirror.remove();
    },
  );

  function urlOf(version: PostgresVersion): string {
    const server = servers.get(version);
    if (server === undefined) throw new Error(`PostgreSQL ${version} was not started`);
    return server.url;
  }
});
