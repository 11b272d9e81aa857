import { ApiDocument, type Operation, type RequestBody } from '@bunnydb/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Answer } from './api-client.js';
import { ADMIN_PASSWORD, type Fixture, createPeers, openFixture } from './control-fixture.js';

/** Names and texts with a meaning to somebody: SQL, NATS, HTTP, the file system, JavaScript, a terminal. */
const METACHARACTERS = [
  `'; drop table users; --`,
  `" or 1=1 --`,
  `\\'; select pg_sleep(10); --`,
  '%s%n%x',
  '{{7*7}}${7*7}',
  '*',
  '>',
  'a.b.c',
  'bunny.cmd.>',
  '$JS.API.STREAM.DELETE.BUNNY_EVENTS',
  '_INBOX.x',
  'a b\tc\r\nPUB x 0',
  '../../etc/passwd',
  '..%2f..%2f',
  'x\r\nX-Evil: 1',
  '<script>alert(1)</script>',
  '__proto__',
  'constructor',
  'toString',
  'ünïcödé\u202e\u{1f430}',
  '\u001b[2J',
  '',
  ' ',
  'x'.repeat(5_000),
] as const;

/** What no text of a catalog can hold. */
const UNSTORABLE = ['a\0b', '\ud800', '\udc00x'] as const;

const OTHER_TYPES: readonly unknown[] = [
  null,
  true,
  -1,
  1.5,
  1e308,
  Number.MAX_SAFE_INTEGER,
  '',
  'x',
  [],
  [[null]],
  {},
  { a: { b: [1] } },
  ['x'.repeat(300)],
];

/** Bodies that are no JSON, or no object, or deeper and larger than anybody means. */
const RAW_BODIES = [
  '',
  '{',
  '{"a":}',
  'null',
  'true',
  '[]',
  '"x"',
  '1e999',
  '\ufeff{}',
  '{"a":1}{"b":2}',
  '{"__proto__":{"role":"admin"}}',
  '{"constructor":{"prototype":{"role":"admin"}}}',
  `${'['.repeat(200_000)}${']'.repeat(200_000)}`,
  `${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}`,
  `{"a":"${'\\u0000'.repeat(1_000)}"}`,
  `{${Array.from({ length: 20_000 }, (_, index) => `"k${index}":1`).join()}}`,
] as const;

const SENDERS = 8;

/** What an answer must never show: our inside, the database's words, or a header that somebody put there. */
const LEAKS =
  /node_modules|\/src\/|\/dist\/|\bat \S+ \(|\.js:\d|syntax error|SQLSTATE|relation "|column "|argon2|ECONN|Unexpected token/;

/** Whatever control may say on NATS; the names in it are ids, or names that the gateway lets in. */
const OWN_SUBJECTS =
  /^(?:_INBOX[\w.]*|\$JS\.\S+|\$KV\.bunny_(?:specs|leases)\.[\w.]+|bunny\.(?:cmd|evt|stats|heartbeat|retry|look|lanes|position|schema|capture|apply|cdc)(?:\.[\w%-]+)+)$/;

describe('whatever is sent', () => {
  let fixture: Fixture;
  let document: ApiDocument;
  const subjects = new Set<string>();

  beforeAll(async () => {
    fixture = await openFixture();
    fixture.workers.answerQueries();
    fixture.workers.answerCommands();
    await createPeers(fixture.api);
    // Mirrors follow what happens to their peers; this one is nobody's.
    const spare = { ...minimal('POST /v1/peers'), name: 'spare' };
    expect((await fixture.api.post('/v1/peers', spare)).status).toBe(201);
    document = await ApiDocument.parse((await fixture.api.get('/v1/openapi.json')).text);
    fixture.messaging.nc.subscribe('>', {
      callback: (_error, message) => void subjects.add(message.subject),
    });
    const made = await fixture.api.post('/v1/mirrors', {
      name: 'shop',
      source_peer: 'src',
      destination_peer: 'dst',
      table_mappings: ['public.users'],
    });
    expect(made.status).toBe(201);
  });
  afterAll(async () => {
    await fixture?.close();
  });

  /** Every operation but those that end the session, the user or what the others are tried on. */
  function operations(): [string, Operation][] {
    return [...document.operations].filter(
      ([name]) =>
        !/auth\/(logout|login|change-password)|\/stream$|^DELETE|^PATCH \/v1\/users/.test(name),
    );
  }

  /** The address of an operation, on what is there. */
  function addressOf(operation: string): string {
    return operation
      .replace(/^\S+ /, '')
      .replace('/v1/peers/{name}', '/v1/peers/spare')
      .replace('{name}', 'shop')
      .replace('{table}', 'public.users')
      .replace('{username}', 'admin');
  }

  const waiting: (() => Promise<void>)[] = [];

  /** Notes a request; `sendAll` sends what was noted, several at a time. */
  function send(operation: string, path: string, body?: unknown): void {
    waiting.push(async () => {
      const [method = ''] = operation.split(' ');
      const answer = await fixture.api.send(method, path, body);
      judge(operation, path, body, answer);
    });
  }

  async function sendAll(): Promise<void> {
    const requests = waiting.splice(0);
    expect(requests.length).toBeGreaterThan(20);
    const sender = async (): Promise<void> => {
      for (let next = requests.pop(); next !== undefined; next = requests.pop()) await next();
    };
    await Promise.all(Array.from({ length: SENDERS }, sender));
  }

  function judge(operation: string, path: string, body: unknown, answer: Answer): void {
    const sent = `${operation} ${path.slice(0, 200)} ${(JSON.stringify(body) ?? '').slice(0, 200)}`;
    const problems = [
      ...(answer.status >= 500 ? [`${answer.status}`] : []),
      ...(answer.status >= 400 &&
      !/^application\/problem\+json/.test(answer.headers.get('content-type') ?? '')
        ? ['no problem document']
        : []),
      ...(answer.status >= 400 && LEAKS.test(answer.text) ? [answer.text.slice(0, 300)] : []),
      ...(answer.headers.has('x-evil') ? ['a header from outside'] : []),
      // A path that cannot be read, or is another one, is answered before any operation is looked at.
      ...([400, 404].includes(answer.status) && !/^[\w/.?=&-]*$/.test(path)
        ? []
        : document.problemsWith(operation, answer)),
    ];
    expect({ sent, problems }).toEqual({ sent, problems: [] });
  }

  it('a body that is no JSON, too deep or too odd is refused, everywhere', async () => {
    for (const [operation, { requestBody }] of operations()) {
      if (!requestBody) continue;
      for (const body of RAW_BODIES) send(operation, addressOf(operation), body);
    }
    await sendAll();
  });

  it('a field of any other type, or with any text, is taken or refused, everywhere', async () => {
    let fieldCount = 0;
    for (const [operation, { requestBody }] of operations()) {
      if (!requestBody) continue;
      // What the other route with this body does with it.
      if (operation === 'POST /v1/mirrors/validate') continue;
      for (const [property, isText] of propertiesOf(requestBody)) {
        // Each text goes into every third field, and into many fields over all.
        const turn = (fieldCount += 1);
        const texts = [...METACHARACTERS, ...UNSTORABLE].filter(
          (_text, index) => isText && (index + turn) % 3 === 0,
        );
        for (const value of [...OTHER_TYPES, ...texts]) {
          send(operation, addressOf(operation), { ...minimal(operation), [property]: value });
        }
      }
      const long = Array.from({ length: 2_000 }, () => 'x');
      send(operation, addressOf(operation), { ...minimal(operation), table_mappings: long });
    }
    await sendAll();
  });

  /** The fields of a body, and one that it does not have, with whether they are texts. */
  function propertiesOf(requestBody: RequestBody): readonly (readonly [string, boolean])[] {
    const schema: unknown = requestBody.content['application/json']?.schema;
    const properties = Object.entries(Object(Object(schema).properties));
    const texts = properties.map(
      ([name, property]) => [name, Object(property).type === 'string'] as const,
    );
    return [...texts, ['unknown', true]];
  }

  /** What a body needs at least, so that a single wrong field is what is looked at. */
  function minimal(operation: string): Record<string, unknown> {
    if (operation === 'POST /v1/peers') {
      return { name: 'fuzzed', host: 'h', user: 'u', database: 'd' };
    }
    if (operation === 'POST /v1/users') {
      return { username: 'fuzzed', password: 'a password', role: 'viewer' };
    }
    if (/^POST \/v1\/mirrors(\/validate)?$/.test(operation)) {
      const peers = { source_peer: 'src', destination_peer: 'dst' };
      return { name: 'fuzzed', ...peers, table_mappings: ['public.users'] };
    }
    return {};
  }

  it('a table with any name is a name to everybody who gets it', async () => {
    for (const text of [...METACHARACTERS, ...UNSTORABLE]) {
      for (const mapping of [
        text,
        { source_table: text },
        { source_schema: text, source_table: text },
        { source_table: 'public.users', destination_table: text },
        { source_table: 'public.users', exclude_columns: [text], row_filter: text },
      ]) {
        const body = { ...minimal('POST /v1/mirrors'), table_mappings: [mapping] };
        send('POST /v1/mirrors/validate', '/v1/mirrors/validate', body);
        const edit = '/v1/mirrors/shop/tables';
        send('PUT /v1/mirrors/{name}/tables', edit, { table_mappings: [mapping] });
      }
    }
    await sendAll();
  });

  it('a name in an address is a name or nothing, everywhere', async () => {
    for (const [operation] of document.operations) {
      const path = operation.replace(/^\S+ /, '');
      const holes = path.match(/\{\w+\}/g) ?? [];
      if (holes.length === 0) continue;
      for (const text of [...METACHARACTERS, 'a\0b', 'ÿ']) {
        if (text === '') continue;
        send(operation, path.replaceAll(/\{\w+\}/g, encodeURIComponent(text)), undefined);
      }
      for (const raw of ['%', '%zz', '%ff', '%c0%ae', '%00', '%2e%2e', '..', '%0d%0aX-Evil:%201']) {
        send(operation, path.replaceAll(/\{\w+\}/g, raw), undefined);
      }
    }
    await sendAll();
  });

  it('a query of any kind is taken or refused, everywhere', async () => {
    for (const [operation, { parameters = [] }] of operations()) {
      const names = parameters.filter((one) => one.in === 'query').map((one) => one.name);
      for (const name of names.length === 0 ? ['unknown'] : names) {
        const texts = names.length === 0 ? METACHARACTERS.slice(0, 3) : METACHARACTERS;
        for (const text of ['-1', '1e99', 'NaN', 'null', '0x10', ...texts]) {
          const value = encodeURIComponent(text);
          send(operation, `${addressOf(operation)}?${name}=${value}`);
        }
        for (const odd of [`${name}=1&${name}=2`, `${name}[$gt]=1`, `${name}[]=1`, `${name}=%ff`]) {
          send(operation, `${addressOf(operation)}?${odd}`);
        }
      }
    }
    await sendAll();
  });

  it('headers of any kind change nothing', async () => {
    const odd: readonly (readonly [string, string])[] = [
      ['authorization', 'Bearer x'],
      ['authorization', `Bearer ${'x'.repeat(5_000)}`],
      ['authorization', 'Basic YTpi'],
      ['idempotency-key', 'x'.repeat(300)],
      ['idempotency-key', `'; drop table idempotency_keys; --`],
      ['x-request-id', 'x'.repeat(5_000)],
      ['content-type', 'text/plain'],
      ['content-type', 'application/json; charset=klingon'],
      ['content-encoding', 'gzip'],
      ['x-forwarded-for', `1.2.3.4, ${'x'.repeat(200)}`],
      ['x-http-method-override', 'DELETE'],
      ['last-event-id', '-1; drop'],
      ['accept', 'text/html'],
    ];
    for (const [name, value] of odd) {
      for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'OPTIONS', 'HEAD', 'PROPFIND']) {
        const body = ['POST', 'PUT', 'PATCH'].includes(method) ? '{"x":1}' : undefined;
        const answer = await fixture.api.send(method, '/v1/peers', body, { [name]: value });
        expect({ method, name, status: answer.status < 500 }).toEqual({
          method,
          name,
          status: true,
        });
        expect(LEAKS.test(answer.text)).toBe(false);
      }
    }
  });

  it('has changed nothing that it should not, and nobody heard a subject that is none of ours', async () => {
    const again = fixture.api.as(undefined);
    await again.login('admin', ADMIN_PASSWORD);
    expect((await again.get('/v1/auth/me')).body).toMatchObject({
      username: 'admin',
      role: 'admin',
    });
    const users = await fixture.catalog.query<{ username: string; role: string }>(
      'select username, role from users order by username',
    );
    expect(users.filter(({ role }) => role === 'admin')).toEqual([
      { username: 'admin', role: 'admin' },
    ]);
    expect((await again.get('/v1/mirrors/shop')).status).toBe(200);
    expect([...subjects].filter((subject) => !OWN_SUBJECTS.test(subject))).toEqual([]);
    expect(fixture.control().running).toBe(true);
    const errors = fixture
      .control()
      .lines()
      .filter((line) => line.includes('"a request failed"'));
    expect(errors).toEqual([]);
  });
});
