import {
  CertificateAuthority,
  type PostgresServer,
  THROW_AWAY_SETTINGS,
  natsUsers,
  serveTls,
  startPostgres,
  until,
} from '@bunnydb/testkit';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ApiAnswer } from '../src/api-client.js';
import { NatsWiretap } from '../src/nats-wiretap.js';
import { Plants } from '../src/plants.js';
import { readStreams } from '../src/read-streams.js';
import { STACK_SERVICES, type Stack, startStack } from '../src/stack.js';
import { tableTexts } from '../src/table-texts.js';
import { TraceSink } from '../src/trace-sink.js';

/** What only whoever is let in may see, and what only the change stream and the databases may hold. */
const secrets = new Plants();
const rows = new Plants();

const authority = new CertificateAuthority('authority');
const client = authority.issue({ commonName: 'mirror' });
const sslKey = client.key.trim().split('\n')[2] ?? '';
secrets.keep('a line of a TLS key', client.key.trim().split('\n')[1] ?? '');
if (sslKey !== '' && !sslKey.startsWith('-----')) secrets.keep('another line of it', sslKey);
const peerPassword = secrets.plant("a peer's password");
const wrongPassword = secrets.plant("a peer's wrong password");
const urlPassword = secrets.plant('a password in a URL');
const userPassword = secrets.plant("a user's password");
const mistyped = secrets.plant('a mistyped password of a user');
const jwtSecret = secrets.plant('the secret of tokens') + secrets.plant('its other half');
const catalogPassword = secrets.plant("the catalog's password");
const natsPassword = secrets.plant('a password of NATS');
const secretKey = secrets.keep(
  'the key that seals',
  Buffer.alloc(32, 'key that seals').toString('hex'),
);

const copied = rows.plant('a copied value');
const streamed = rows.plant('a streamed value');
const conflicting = rows.plant('a value that a unique index refuses');
const checked = rows.plant('a value that a check refuses');
const refused = rows.plant('a value that a type refuses');
const tooLong = rows.plant('a value that a length refuses');
const keyed = rows.plant('a value of a key that is missing');

describe('what is secret', () => {
  let server: PostgresServer;
  let sink: TraceSink;
  let stack: Stack;
  let tap: NatsWiretap;
  let source: pg.Client;
  let destination: pg.Client;
  const answers: ApiAnswer[] = [];

  beforeAll(async () => {
    server = await startPostgres({ settings: THROW_AWAY_SETTINGS });
    await serveTls(server, {
      certificate: authority.issue({ commonName: 'server', hosts: ['127.0.0.1'] }),
      clientAuthority: authority.cert,
      hba: ['hostssl all,replication mirror 127.0.0.1/32 scram-sha-256 clientcert=verify-full'],
    });
    sink = await TraceSink.start();
    stack = await startStack('redaction', {
      postgresUrl: server.url,
      natsConfig: natsUsers((user) => natsPassword + user),
      natsLogin: { user: 'operator', pass: `${natsPassword}operator` },
      environment: {
        BUNNY_SECRET_KEY: secretKey,
        BUNNY_JWT_SECRET: jwtSecret,
        BUNNY_CATALOG_PASSWORD: catalogPassword,
        BUNNY_LOG_LEVEL: 'debug',
        BUNNY_SCHEMA_POLL_MS: '500',
        OTEL_EXPORTER_OTLP_ENDPOINT: sink.url,
        OTEL_TRACES_SAMPLER: 'always_on',
      },
      environmentOf: (service) => ({
        NATS_USER: service,
        NATS_PASSWORD: natsPassword + service,
      }),
    });
    tap = await NatsWiretap.start(stack.natsUrl, {
      user: 'operator',
      pass: `${natsPassword}operator`,
    });
    await makeDatabases();
  });
  afterAll(async () => {
    await Promise.allSettled([source?.end(), destination?.end(), tap?.stop()]);
    await stack?.stop();
    await sink?.stop();
    await server?.stop('immediate');
  });

  async function makeDatabases(): Promise<void> {
    const admin = new pg.Client({ connectionString: server.url });
    await admin.connect();
    await admin.query(`create role mirror superuser login password '${peerPassword}'`);
    await admin.query('create database redaction_source');
    await admin.query('create database redaction_destination');
    await admin.end();
    source = new pg.Client({ connectionString: server.urlOf('redaction_source') });
    destination = new pg.Client({ connectionString: server.urlOf('redaction_destination') });
    await Promise.all([source.connect(), destination.connect()]);
    const tables = (checkClause: string, type: string, length: string): string => `
      create table plain (id int primary key, v text);
      create table uniq (id int primary key, v text unique);
      create table checked (id int primary key, v text ${checkClause});
      create table typed (id int primary key, v ${type});
      create table short (id int primary key, v ${length});
      create table keyed (v text primary key, w text);`;
    await source.query(tables('', 'text', 'text'));
    await destination.query(tables(`check (v not like 'planted%')`, 'int', 'varchar(10)'));
    await source.query(`insert into plain values (1, '${copied}')`);
    await source.query(`insert into keyed values ('${keyed}', 'w')`);
  }

  /** Every answer is kept, to be looked through. */
  async function call(method: string, path: string, body?: unknown): Promise<ApiAnswer> {
    const answer = await stack.api.call(method, path, body);
    answers.push(answer);
    return answer;
  }

  function peer(name: string, database: string): Record<string, unknown> {
    return {
      name,
      host: '127.0.0.1',
      port: server.port,
      user: 'mirror',
      password: peerPassword,
      database,
      ssl_mode: 'verify-full',
      ssl_root_cert: authority.cert,
      ssl_cert: client.cert,
      ssl_key: client.key,
    };
  }

  async function mirror(): Promise<Record<string, unknown>> {
    const { body } = await call('GET', '/v1/mirrors/secretive');
    return typeof body === 'object' && body !== null ? { ...body } : {};
  }

  async function waitForTable(name: string, statuses: readonly string[]): Promise<void> {
    await until(
      async () => {
        const tables: unknown = (await mirror())['tables'];
        if (!Array.isArray(tables)) return false;
        return tables.some((table) => table.table_name === name && statuses.includes(table.status));
      },
      { timeoutMs: 60_000, intervalMs: 200, what: `${name} to be ${statuses.join(' or ')}` },
    );
  }

  it('is planted, sent, used and refused in every way there is', async () => {
    await call('POST', '/v1/peers', peer('src', 'redaction_source'));
    await call('POST', '/v1/peers', peer('dst', 'redaction_destination'));
    await call('POST', '/v1/peers', { ...peer('src', 'redaction_source') });
    await call('POST', '/v1/peers', { name: 'url', url: `postgres://u:${urlPassword}@:x/` });
    await call('POST', '/v1/peers', {
      name: 'url',
      url: `postgres://u:${urlPassword}@127.0.0.1:1/d`,
    });
    await call('POST', '/v1/peers/url/test');
    await call('POST', '/v1/users', { username: 'ann', password: userPassword, role: 'readonly' });
    await call('POST', '/v1/auth/login', { username: 'ann', password: mistyped });
    await call('POST', '/v1/users', { username: 'ann', password: [mistyped], role: mistyped });
    for (const name of ['src', 'dst']) {
      expect(await call('POST', `/v1/peers/${name}/test`)).toMatchObject({
        body: { success: true },
      });
    }
    const created = await call('POST', '/v1/mirrors', {
      name: 'secretive',
      source_peer: 'src',
      destination_peer: 'dst',
      table_mappings: ['plain', 'uniq', 'checked', 'typed', 'short', 'keyed'].map(
        (t) => `public.${t}`,
      ),
      schema_changes: 'ignore',
      replicate_schema: false,
    });
    expect(created.status).toBe(201);
    await waitForTable('public.plain', ['running']);
  });

  it('goes through refusals of every kind', async () => {
    await destination.query(`insert into uniq values (9, '${conflicting}')`);
    await destination.query('delete from keyed');
    await source.query(
      `insert into plain values (2, '${streamed}'), (3, repeat('${streamed}', 9000))`,
    );
    await source.query(`insert into uniq values (1, '${conflicting}')`);
    await source.query(`insert into checked values (1, '${checked}')`);
    await source.query(`insert into typed values (1, '${refused}')`);
    await source.query(`insert into short values (1, '${tooLong}')`);
    await source.query(`update keyed set w = 'x' where v = '${keyed}'`);
    for (const table of ['uniq', 'checked', 'typed', 'short']) {
      await waitForTable(`public.${table}`, ['held', 'error']);
    }
    await source.query('alter table plain add column note text');
    await call('PUT', '/v1/peers/dst', { password: wrongPassword });
    await until(async () => (await mirror())['status'] === 'error', { what: 'the mirror to fail' });
    await call('POST', '/v1/peers/dst/test');
    await call('PUT', '/v1/peers/dst', { password: peerPassword });
    await call('POST', '/v1/mirrors/secretive/retry', {});
    await until(async () => (await mirror())['status'] === 'running', {
      what: 'the mirror to run',
    });
    await call('POST', '/v1/mirrors/secretive/retry', { table: 'public.typed' });
    await call('POST', '/v1/mirrors/secretive/resync/public.short', { strategy: 'swap' });
    await waitForTable('public.short', ['held', 'error']);
    for (const path of [
      '',
      '/tables',
      '/schema-diff',
      '/logs?limit=500',
      '/events',
      '/metrics?window=15m',
    ]) {
      await call('GET', `/v1/mirrors/secretive${path}`);
    }
    for (const path of [
      '/v1/peers',
      '/v1/peers/src',
      '/v1/peers/src/tables',
      '/v1/users',
      '/ready',
      '/v1/openapi.json',
    ]) {
      await call('GET', path);
    }
    await call('POST', '/v1/mirrors/secretive/pause');
    for (const service of STACK_SERVICES) await stack.terminate(service);
  });

  /** Where something was found that must not be there: place and names of the plants. */
  function findings(
    texts: Iterable<readonly [string, string]>,
    plants: readonly Plants[],
  ): string[] {
    return [...texts].flatMap(([place, text]) =>
      plants.flatMap((kind) => kind.findIn(text)).map((name) => `${name} in ${place}`),
    );
  }

  it('is in no log, and rows are in none', () => {
    const logs = STACK_SERVICES.flatMap((service) =>
      stack.linesOf(service).map((line) => [`${service}: ${line.slice(0, 200)}`, line] as const),
    );
    expect(logs.length).toBeGreaterThan(50);
    expect(findings(logs, [secrets, rows])).toEqual([]);
  });

  it('is in no table of the catalog, and rows are in none', async () => {
    const texts = await tableTexts(stack.catalog);
    expect([...texts.keys()]).toContain('events');
    expect(findings(texts, [secrets, rows])).toEqual([]);
  });

  it('is in no bookkeeping at the destination', async () => {
    const { rows: books } = await destination.query<{ name: string }>(
      `select oid::regclass::text as name from pg_class
       where relkind = 'r' and relnamespace = '_bunny'::regnamespace`,
    );
    expect(books.length).toBeGreaterThan(2);
    for (const { name } of books) {
      const { rows: texts } = await destination.query<{ t: string }>(
        `select t::text from ${name} t`,
      );
      expect(
        findings(
          texts.map(({ t }) => [name, t] as const),
          [secrets],
        ),
      ).toEqual([]);
      // Changes that wait for their table are laid down here, and nowhere else.
      if (name === '_bunny.parked_change') continue;
      expect(
        findings(
          texts.map(({ t }) => [name, t] as const),
          [rows],
        ),
      ).toEqual([]);
    }
  });

  it('is in no answer of the gateway, and rows are in none', () => {
    expect(answers.length).toBeGreaterThan(30);
    const texts = answers.map(
      ({ status, body }, index) => [`answer ${index} (${status})`, JSON.stringify(body)] as const,
    );
    expect(findings(texts, [secrets, rows])).toEqual([]);
  });

  it('is in no stream and no bucket; rows are in the change stream only', async () => {
    const login = { user: 'operator', pass: `${natsPassword}operator` };
    const stored = await readStreams(stack.natsUrl, login);
    const of = (isChange: boolean) =>
      stored
        .filter(({ stream }) => stream.startsWith('BUNNY_CDC_') === isChange)
        .map(({ subject, text }) => [subject, text] as const);
    expect(findings(of(true), [secrets])).toEqual([]);
    expect(findings(of(true), [rows]).join()).toContain('a streamed value');
    expect(of(false).length).toBeGreaterThan(10);
    expect(findings(of(false), [secrets, rows])).toEqual([]);
  });

  it('passes NATS in no message; rows pass as changes, and when the change stream is read', () => {
    const heard = tap.heard().map(({ subject, text }) => [subject, text] as const);
    expect(heard.length).toBeGreaterThan(100);
    expect(findings(heard, [secrets])).toEqual([]);
    const others = heard.filter(
      ([subject, text]) =>
        !subject.startsWith('bunny.cdc.') &&
        !/"subject":"bunny\.cdc\.|^Nats-Stream: BUNNY_CDC_/m.test(text),
    );
    expect(findings(others, [rows])).toEqual([]);
  });

  it('is in no trace, and rows are in none', () => {
    const traces = sink.text();
    expect(traces.length).toBeGreaterThan(1_000);
    expect(findings([['the traces', traces]], [secrets, rows])).toEqual([]);
  });
});
