import { getSpec } from '@bunnydb/messaging';
import { ApiDocument, until } from '@bunnydb/testkit';
import { createConfig, lintFromString } from '@redocly/openapi-core';
import { Validator } from '@seriousme/openapi-schema-validator';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Answer, ApiClient } from './api-client.js';
import { ADMIN_PASSWORD, type Fixture, createPeers, openFixture } from './control-fixture.js';

const MIRROR = 'shop';
const NEW_MIRROR = {
  name: MIRROR,
  source_peer: 'src',
  destination_peer: 'dst',
  table_mappings: ['public.users'],
};
const NEW_PEER = { name: 'made', host: 'h', user: 'u', password: 'p', database: 'd' };

const TWO_TABLES = { table_mappings: ['public.users', 'public.orders'] };
const FAILED_CHECK = { name: 'wal_level', ok: false, detail: 'replica', fix: 'set it' };

let fixture: Fixture;
let document: ApiDocument;
let reader: ApiClient;
const seen = new Set<string>();

beforeAll(async () => {
  fixture = await openFixture();
  document = await ApiDocument.parse((await fixture.api.get('/v1/openapi.json')).text);
  await fixture.api.post('/v1/users', {
    username: 'rita',
    password: 'ritas password',
    role: 'viewer',
  });
  reader = fixture.api.as(undefined);
  await reader.login('rita', 'ritas password');
});
afterAll(async () => {
  await fixture?.close();
});

/** Sends a request, and judges the answer by the document. `path` is the address of the operation's name with its parameters filled in. */
async function ask(
  operation: string,
  expected: number,
  options: {
    readonly path?: string;
    readonly body?: unknown;
    readonly as?: ApiClient;
  } = {},
): Promise<Answer> {
  const [method = '', template = ''] = operation.split(' ');
  const path = (options.path ?? template)
    .replace('{name}', MIRROR)
    .replace('{table}', 'public.users');
  const answer = await (options.as ?? fixture.api).send(method, path, options.body);
  expect({ operation, status: answer.status, text: answer.text }).toMatchObject({
    operation,
    status: expected,
  });
  expect(document.problemsWith(operation, answer)).toEqual([]);
  seen.add(`${operation} ${expected}`);
  return answer;
}

const isOpen = (operation: string): boolean =>
  /^(GET \/(health|ready)|POST \/v1\/auth\/login)$/.test(operation);
const documents = (operation: string, status: number): boolean =>
  document.operation(operation).responses[status] !== undefined;
const named = (operation: string): string =>
  operation
    .replace(/^\S+ /, '')
    .replace(/\{(name|username)\}/, 'none')
    .replace('{table}', 'a.b');

describe('the document', () => {
  it('is valid OpenAPI 3.1', async () => {
    const result = await new Validator().validate({ ...document.document });
    expect(result.errors ?? []).toEqual([]);
    expect(result.valid).toBe(true);
  });

  it('is as a linter wants it', async () => {
    const config = await createConfig({
      extends: ['recommended'],
      rules: {
        // Whether the process lives can only be asked in one way.
        'operation-4xx-response': 'off',
        // Event streams are of no schema; their events are told in words, by name.
        'no-unused-components': 'off',
      },
    });
    const source = JSON.stringify(document.document);
    const problems = await lintFromString({ source, absoluteRef: 'openapi.json', config });
    expect(problems.map(({ ruleId, message }) => `${ruleId}: ${message}`)).toEqual([]);
  });
});

describe('every answer that the document names', () => {
  it('401 without a good token, everywhere but where it is open', async () => {
    const wrong = { username: 'admin', password: 'wrong' };
    await ask('POST /v1/auth/login', 401, { body: wrong, as: fixture.api.as(undefined) });
    for (const operation of document.operations.keys()) {
      if (isOpen(operation)) continue;
      await ask(operation, 401, { path: named(operation), as: fixture.api.as('a.b.c') });
    }
  });

  it('403 for a reader who would change something, or look at users and rows', async () => {
    for (const operation of document.operations.keys()) {
      if (documents(operation, 403))
        await ask(operation, 403, { path: named(operation), as: reader });
    }
  });

  it('404 for what is not there', async () => {
    const bodies = new Map<string, unknown>([
      ['PUT /v1/mirrors/{name}/tables', { table_mappings: ['public.users'] }],
    ]);
    for (const operation of document.operations.keys()) {
      if (!documents(operation, 404)) continue;
      const query = operation.endsWith('/changes/stream') ? '?table=public.users' : '';
      const body = operation.startsWith('GET') ? undefined : (bodies.get(operation) ?? {});
      await ask(operation, 404, { path: named(operation) + query, body });
    }
  });

  it('400 for a body or a query that is not as the document says', async () => {
    for (const [operation, { requestBody }] of document.operations) {
      if (!documents(operation, 400) || operation === 'DELETE /v1/users/{username}') continue;
      const path = named(operation);
      if (requestBody) await ask(operation, 400, { path, body: { no_such_field: 1 } });
      else await ask(operation, 400, { path: `${path}?no_such_parameter=1` });
    }
    await ask('DELETE /v1/users/{username}', 400, { path: '/v1/users/admin' });
  });

  it('413 for a body that is too large, wherever there may be one', async () => {
    const body = { large: 'x'.repeat(1024 ** 2) };
    for (const operation of document.operations.keys()) {
      if (documents(operation, 413)) await ask(operation, 413, { path: named(operation), body });
    }
  });

  it('503 while the workers are away', async () => {
    await createPeers(fixture.api);
    await ask('GET /ready', 503, { as: fixture.api.as(undefined) });
    await ask('POST /v1/peers/{name}/test', 503, { path: '/v1/peers/src/test' });
    await ask('GET /v1/peers/{name}/tables', 503, { path: '/v1/peers/src/tables' });
    await ask('POST /v1/mirrors', 503, { body: NEW_MIRROR });
    await ask('POST /v1/mirrors/validate', 503, { body: NEW_MIRROR });
  });

  it('2xx, 409 and 422 of users, peers and the session', async () => {
    const open = fixture.api.as(undefined);
    await ask('GET /health', 200, { as: open });
    const login = { username: 'admin', password: ADMIN_PASSWORD };
    const { body } = await ask('POST /v1/auth/login', 200, { body: login, as: open });
    const session = fixture.api.as(String(body['token']));
    await ask('GET /v1/auth/me', 200, { as: session });
    await ask('POST /v1/auth/logout', 200, { as: session });
    const change = { current_password: 'ritas password', new_password: 'another password' };
    await ask('POST /v1/auth/change-password', 200, { body: change, as: reader });
    const user = { username: 'uma', password: 'umas password', role: 'admin' };
    await ask('POST /v1/users', 201, { body: user });
    await ask('POST /v1/users', 409, { body: user });
    await ask('GET /v1/users', 200);
    await ask('GET /v1/audit', 200);
    await ask('PATCH /v1/users/{username}', 200, {
      path: '/v1/users/uma',
      body: { role: 'viewer' },
    });
    await ask('DELETE /v1/users/{username}', 200, { path: '/v1/users/uma' });

    await ask('POST /v1/peers', 201, { body: NEW_PEER });
    await ask('POST /v1/peers', 409, { body: NEW_PEER });
    await ask('GET /v1/peers', 200);
    await ask('GET /v1/peers/{name}', 200, { path: '/v1/peers/made' });
    await ask('PUT /v1/peers/{name}', 200, { path: '/v1/peers/made', body: { port: 5433 } });
    await ask('DELETE /v1/peers/{name}', 200, { path: '/v1/peers/made' });
  });

  it('2xx, 409 and 422 of a mirror that is made', async () => {
    const { workers } = fixture;
    workers.answerQueries();
    workers.answerCommands();
    await until(async () => (await fixture.api.get('/ready')).status === 200, {
      what: 'all to beat',
    });
    await ask('GET /ready', 200, { as: fixture.api.as(undefined) });
    await ask('POST /v1/peers/{name}/test', 200, { path: '/v1/peers/src/test' });
    await ask('GET /v1/peers/{name}/tables', 200, { path: '/v1/peers/src/tables' });
    await ask('POST /v1/mirrors/validate', 200, { body: NEW_MIRROR });
    workers.checks = [FAILED_CHECK];
    await ask('POST /v1/mirrors', 422, { body: NEW_MIRROR });
    const onlyCheck = '/v1/mirrors?validate_only=true';
    await ask('POST /v1/mirrors', 200, { path: onlyCheck, body: NEW_MIRROR });
    workers.checks = [];
    let setUp = (): void => undefined;
    workers.holding.set('provision_tables', new Promise((resolve) => (setUp = resolve)));
    const { body } = await ask('POST /v1/mirrors', 201, { body: NEW_MIRROR });
    await ask('POST /v1/mirrors', 409, { body: NEW_MIRROR });
    await ask('DELETE /v1/peers/{name}', 409, { path: '/v1/peers/src' });
    await ask('PUT /v1/mirrors/{name}/tables', 409, { body: TWO_TABLES });
    await ask('POST /v1/mirrors/{name}/resync', 409, { body: {} });
    await ask('POST /v1/mirrors/{name}/resync/{table}', 409, { body: {} });
    await ask('POST /v1/mirrors/{name}/hold/{table}', 409);
    setUp();
    await makeRunning(String(body['id']));
  });

  async function makeRunning(id: string): Promise<void> {
    const { workers, messaging } = fixture;
    await until(async () => (await getSpec(messaging, id))?.desired === 'run', {
      what: 'the spec to say run',
    });
    const running = { table: 'public.users', status: 'running', rows: 5 } as const;
    await workers.tell(id, 'copy_started', { tables: ['public.users'] });
    await workers.tell(id, 'table_state_changed', running);
    await workers.tell(id, 'copy_finished', { tables: 1, rows: 5, seconds: 1 });
    await waitFor('phase', 'streaming changes');
  }

  async function waitFor(member: string, value: string): Promise<string> {
    let mirror: Answer['body'] = {};
    await until(
      async () => {
        mirror = (await fixture.api.get(`/v1/mirrors/${MIRROR}`)).body;
        return mirror[member] === value;
      },
      { what: () => `the mirror's ${member} to be ${value}: ${JSON.stringify(mirror)}` },
    );
    return String(mirror['id']);
  }

  it('2xx, 409 and 422 of a mirror that runs', async () => {
    const { workers } = fixture;
    for (const part of ['', '/logs', '/events', '/tables', '/available-tables', '/schema-diff']) {
      await ask(`GET /v1/mirrors/{name}${part}`, 200);
    }
    const window = `/v1/mirrors/${MIRROR}/metrics?window=15m`;
    await ask('GET /v1/mirrors/{name}/metrics', 200, { path: window });
    await ask('GET /v1/mirrors', 200);
    await ask('PATCH /v1/mirrors/{name}', 200, { body: { max_batch_size: 5 } });
    await ask('PATCH /v1/mirrors/{name}', 409, { body: { do_initial_snapshot: false } });
    await ask('POST /v1/mirrors/{name}/sync-schema', 200, { body: {} });
    workers.stale = ['c1'];
    await ask('POST /v1/mirrors/{name}/sync-schema', 409, { body: { changes: ['c1'] } });
    await ask('POST /v1/mirrors/{name}/retry', 409, { body: {} });
    const id = await waitFor('status', 'running');
    await workers.tell(id, 'session_failed', {
      failure: {
        kind: 'destination_unreachable',
        message: 'away',
        hint: 'look',
        action: 'retry_timed',
        detail: {},
      },
      attempt: 1,
      next_retry_at: new Date(Date.now() + 600_000).toISOString(),
    });
    await waitFor('status', 'error');
    await ask('POST /v1/mirrors/{name}/retry', 200, { body: {} });
    await workers.tell(id, 'session_recovered', {});
    await waitFor('status', 'running');
    await ask('POST /v1/mirrors/{name}/hold/{table}', 200);
    await ask('POST /v1/mirrors/{name}/resume', 409);
    await ask('POST /v1/mirrors/{name}/pause', 200);
    await ask('POST /v1/mirrors/{name}/pause', 409);
    await ask('POST /v1/mirrors/{name}/resume', 200);
    workers.checks = [FAILED_CHECK];
    await ask('PUT /v1/mirrors/{name}/tables', 422, { body: TWO_TABLES });
    workers.checks = [];
    const table = { schema: 'public', table: 'users' };
    workers.obstacles = [{ table, reasons: ['view public.adults depends on it'] }];
    for (const part of ['', '/{table}']) {
      const operation = `POST /v1/mirrors/{name}/resync${part}`;
      const { body } = await ask(operation, 422, { body: { strategy: 'swap' } });
      expect(body['detail']).toContain('public.users cannot be swapped: view public.adults');
    }
    workers.obstacles = [];
    const same = { table_mappings: ['public.users'] };
    await ask('PUT /v1/mirrors/{name}/tables', 200, { body: same });
  });

  it('200 and 503 of streams', async () => {
    for (const [part, most] of [
      ['/events/stream', 200],
      ['/changes/stream?table=public.users', 20],
    ] as const) {
      const operation = `GET /v1/mirrors/{name}${part.split('?', 1).join()}`;
      const leaving = new AbortController();
      const answers = await Promise.all(
        Array.from({ length: most + 1 }, () => openStream(part, leaving.signal)),
      );
      for (const answer of answers) {
        expect(document.problemsWith(operation, answer)).toEqual([]);
        seen.add(`${operation} ${answer.status}`);
      }
      leaving.abort();
      expect(answers.filter(({ status }) => status === 503)).toHaveLength(1);
    }
  });

  /** The head of an answer that goes on, or all of a short one. */
  async function openStream(part: string, signal: AbortSignal): Promise<Answer> {
    const response = await fetch(`${fixture.api.url}/v1/mirrors/${MIRROR}${part}`, {
      headers: { authorization: `Bearer ${fixture.api.token ?? ''}` },
      signal,
    });
    const { status, headers } = response;
    return { status, headers, text: status === 200 ? '' : await response.text(), body: {} };
  }

  it('503 when the workers are gone, and what is left while a mirror is deleted', async () => {
    await fixture.workers.stop();
    await ask('GET /v1/mirrors/{name}/available-tables', 503);
    await ask('GET /v1/mirrors/{name}/schema-diff', 503);
    await ask('POST /v1/mirrors/{name}/sync-schema', 503, { body: { dry_run: true } });
    await ask('PUT /v1/mirrors/{name}/tables', 503, { body: TWO_TABLES });
    const swap = { strategy: 'swap' };
    await ask('POST /v1/mirrors/{name}/resync/{table}', 503, { body: swap });
    await ask('POST /v1/mirrors/{name}/resync', 503, { body: swap });
    // What is asked for now is done when they are back.
    await ask('POST /v1/mirrors/{name}/resync/{table}', 200, { body: {} });
    await ask('POST /v1/mirrors/{name}/resync', 200, { body: {} });
    await ask('DELETE /v1/mirrors/{name}', 200);
    await ask('GET /v1/mirrors/{name}/schema-diff', 409);
  });

  it('429 after too many failed logins', async () => {
    const open = fixture.api.as(undefined);
    const wrong = { username: 'admin', password: 'wrong' };
    await until(async () => (await open.post('/v1/auth/login', wrong)).status === 429, {
      what: 'the limit of failed logins',
      intervalMs: 1,
    });
    await until(async () => (await open.post('/v1/auth/login', wrong)).status === 429, {
      what: 'the limit of failed logins',
      intervalMs: 1,
    });
    const change = { current_password: 'wrong', new_password: 'another password' };
    const path = '/v1/auth/change-password';
    await until(async () => (await fixture.api.post(path, change)).status === 429, {
      what: 'the limit of changes of a password',
      intervalMs: 1,
    });
    await ask('POST /v1/auth/change-password', 429, { body: change });
    await ask('POST /v1/auth/login', 429, { body: wrong, as: open });
  });

  it('is covered', () => {
    const documented = [...document.operations].flatMap(([operation, { responses }]) =>
      Object.keys(responses).map((status) => `${operation} ${status}`),
    );
    expect(documented.length).toBeGreaterThan(150);
    expect(documented.filter((answer) => !seen.has(answer))).toEqual([]);
  });
});
