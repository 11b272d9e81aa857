import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ADMIN_PASSWORD, type Fixture, createPeers, openFixture } from './control-fixture.js';

let fixture: Fixture;

beforeAll(async () => {
  fixture = await openFixture();
  fixture.workers.answerQueries();
});
afterAll(async () => {
  await fixture.close();
});

const peer = (name: string) => ({
  name,
  host: 'h',
  user: 'u',
  password: 'pa55word',
  database: 'd',
});

describe('open to everybody', () => {
  it('health says that the process lives, ready what it depends on', async () => {
    const open = fixture.api.as(undefined);
    expect((await open.get('/health')).body).toEqual({ status: 'ok' });
    const ready = await open.get('/ready');
    expect(ready.body['dependencies']).toMatchObject({ catalog: true, nats: true });
    const names = Object.keys(Object(ready.body['dependencies']));
    expect(names).toEqual(['catalog', 'nats', 'capture', 'apply', 'schema']);
    expect([200, 503]).toContain(ready.status);
  });

  it('the document is OpenAPI 3.1 with every route, every reference resolves, and people can read it', async () => {
    const open = fixture.api.as(undefined);
    const { body, text } = await open.get('/v1/openapi.json');
    expect(body['openapi']).toBe('3.1.0');
    const paths = Object.keys(Object(body['paths']));
    for (const path of [
      '/v1/auth/login',
      '/v1/peers/{name}/test',
      '/v1/mirrors/{name}/events/stream',
      '/v1/mirrors/{name}/tables',
      '/v1/mirrors/{name}/available-tables',
      '/v1/mirrors/{name}/resync',
      '/v1/mirrors/{name}/resync/{table}',
      '/v1/users/{username}',
    ]) {
      expect(paths).toContain(path);
    }
    const schemas = Object.keys(Object(Object(body['components']).schemas));
    for (const [, name] of text.matchAll(/"#\/components\/schemas\/(\w+)"/g)) {
      expect(schemas).toContain(name);
    }
    const page = await open.get('/docs');
    expect(page.headers.get('content-type')).toContain('text/html');
  });
});

describe('signing in', () => {
  it('a wrong password and an unknown user get the same answer', async () => {
    const open = fixture.api.as(undefined);
    const wrong = await open.post('/v1/auth/login', { username: 'admin', password: 'x' });
    const unknown = await open.post('/v1/auth/login', { username: 'nobody', password: 'x' });
    expect([wrong.status, unknown.status]).toEqual([401, 401]);
    expect(wrong.body['detail']).toBe(unknown.body['detail']);
  });

  it('everything else needs a token that is good', async () => {
    for (const token of [undefined, 'x', `${fixture.api.token}x`]) {
      const answer = await fixture.api.as(token).get('/v1/peers');
      expect(answer.status).toBe(401);
      expect(answer.headers.get('www-authenticate')).toBe('Bearer');
    }
    expect((await fixture.api.get('/v1/auth/me')).body).toMatchObject({
      username: 'admin',
      role: 'admin',
    });
  });

  it('a token that signed out is over, others stay', async () => {
    const other = fixture.api.as(undefined);
    await other.login('admin', ADMIN_PASSWORD);
    expect((await other.post('/v1/auth/logout')).status).toBe(200);
    expect((await other.get('/v1/auth/me')).status).toBe(401);
    expect((await fixture.api.get('/v1/auth/me')).status).toBe(200);
  });

  it('a changed password ends the other tokens of that user, and only the right one changes it', async () => {
    await addUser('eve', 'readonly', 'eves password');
    const one = fixture.api.as(undefined);
    const two = fixture.api.as(undefined);
    await one.login('eve', 'eves password');
    await two.login('eve', 'eves password');
    const wrong = { current_password: 'guess', new_password: 'another password' };
    expect((await one.post('/v1/auth/change-password', wrong)).status).toBe(400);
    const right = { ...wrong, current_password: 'eves password' };
    expect((await one.post('/v1/auth/change-password', right)).status).toBe(200);
    expect((await one.get('/v1/auth/me')).status).toBe(200);
    expect((await two.get('/v1/auth/me')).status).toBe(401);
    await two.login('eve', 'another password');
  });

  it('a reader reads and changes nothing', async () => {
    await addUser('rita', 'viewer', 'ritas password');
    const reader = fixture.api.as(undefined);
    await reader.login('rita', 'ritas password');
    expect((await reader.get('/v1/mirrors')).status).toBe(200);
    expect((await reader.get('/v1/peers')).status).toBe(200);
    for (const [method, path] of [
      ['POST', '/v1/peers'],
      ['PUT', '/v1/peers/x'],
      ['DELETE', '/v1/peers/x'],
      ['POST', '/v1/mirrors'],
      ['POST', '/v1/mirrors/x/pause'],
      ['DELETE', '/v1/mirrors/x'],
      ['POST', '/v1/mirrors/x/resync/public.users'],
      ['PUT', '/v1/mirrors/x/tables'],
      ['POST', '/v1/users'],
      ['GET', '/v1/users'],
      ['PATCH', '/v1/users/admin'],
      ['DELETE', '/v1/users/admin'],
    ] as const) {
      const body = method === 'GET' ? undefined : {};
      expect((await reader.send(method, path, body)).status).toBe(403);
    }
  });
});

describe('peers', () => {
  it('can be made of parts or of a url, are shown without secrets, and are sealed in the catalog', async () => {
    const { api, catalog } = fixture;
    const made = await api.post('/v1/peers', { ...peer('parts'), ssl_key: 'pr1vate' });
    expect(made.status).toBe(201);
    expect(made.body).toMatchObject({ port: 5432, ssl_mode: 'prefer', has_password: true });
    const url = 'postgresql://u:pa55word@h:6000/d?sslmode=require';
    const fromUrl = await api.post('/v1/peers', { name: 'fromurl', url });
    expect(fromUrl.body).toMatchObject({ host: 'h', port: 6000, ssl_mode: 'require' });
    const dump = JSON.stringify([
      await catalog.query('select * from events'),
      await catalog.query('select * from peers'),
      made.body,
      (await api.get('/v1/peers')).text,
    ]);
    expect(dump).not.toMatch(/pa55word|pr1vate/);
  });

  it('what is omitted in a change stays, the password too', async () => {
    const { api, catalog } = fixture;
    await api.post('/v1/peers', peer('stay'));
    const sealed = async () => {
      const rows = await catalog.query(`select connection from peers where name = 'stay'`);
      return Object(rows[0]?.['connection']).password as unknown;
    };
    const before = await sealed();
    const changed = await api.send('PUT', '/v1/peers/stay', { host: 'h2' });
    expect(changed.body).toMatchObject({ host: 'h2', user: 'u', has_password: true });
    expect(await sealed()).toBe(before);
    const without = await api.send('PUT', '/v1/peers/stay', { password: null });
    expect(without.body['has_password']).toBe(false);
  });

  it('a name is taken once, and unknown names are not found', async () => {
    const { api } = fixture;
    expect((await api.post('/v1/peers', peer('twice'))).status).toBe(201);
    expect((await api.post('/v1/peers', peer('twice'))).status).toBe(409);
    for (const path of ['/v1/peers/none', '/v1/mirrors/none', '/v1/mirrors/none/logs', '/v1/x']) {
      const answer = await api.get(path);
      expect(answer.status).toBe(404);
      expect(answer.headers.get('content-type')).toContain('application/problem+json');
    }
    expect((await api.send('DELETE', '/v1/peers/twice')).body).toEqual({ deleted: 'twice' });
    expect((await api.post('/v1/peers', peer('twice'))).status).toBe(201);
  });

  it('are looked at by the schema service', async () => {
    const { api } = fixture;
    await api.post('/v1/peers', peer('looked'));
    const test = await api.post('/v1/peers/looked/test');
    expect(test.body).toMatchObject({ success: true, wal_level: 'logical' });
    expect((await api.get('/v1/peers/looked/tables')).text).toBe('[]');
  });
});

describe('every answer', () => {
  it('carries its request id, and problems repeat it', async () => {
    const { api } = fixture;
    const given = await api.get('/v1/peers/none', { 'x-request-id': 'my-id.1' });
    expect(given.headers.get('x-request-id')).toBe('my-id.1');
    expect(given.body).toMatchObject({
      type: 'about:blank',
      title: 'Not Found',
      status: 404,
      detail: 'there is no peer none',
      error: 'there is no peer none',
      request_id: 'my-id.1',
    });
    const made = await api.get('/health', { 'x-request-id': 'bad id!' });
    expect(made.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
  });

  it('has safe headers, and only the console may call from a browser', async () => {
    const { api } = fixture;
    const console = await api.get('/health', { origin: 'http://localhost:3000' });
    expect(console.headers.get('access-control-allow-origin')).toBe('http://localhost:3000');
    expect(console.headers.get('x-content-type-options')).toBe('nosniff');
    expect(console.headers.get('x-powered-by')).toBeNull();
    const other = await api.get('/health', { origin: 'http://evil.example' });
    expect(other.headers.get('access-control-allow-origin')).toBeNull();
  });

  it('a body that is too large or is no JSON is refused as such', async () => {
    const { api } = fixture;
    const large = await api.post('/v1/peers', { ...peer('large'), host: 'x'.repeat(1_100_000) });
    expect(large.status).toBe(413);
    expect((await api.post('/v1/peers', '{"name":')).status).toBe(400);
    expect((await api.post('/v1/peers', '[]')).status).toBe(400);
    expect((await api.post('/v1/peers', '"x"')).status).toBe(400);
    const unknown = await api.post('/v1/peers', { ...peer('unknown'), colour: 'red' });
    expect(unknown.body['fields']).toEqual([{ path: 'colour', message: 'unknown field' }]);
  });
});

describe('a write with an Idempotency-Key', () => {
  it('is carried out once and answered alike', async () => {
    const { api } = fixture;
    const key = { 'idempotency-key': 'k1' };
    const first = await api.post('/v1/peers', peer('once'), key);
    const again = await api.post('/v1/peers', peer('once'), key);
    expect([first.status, again.status]).toEqual([201, 201]);
    expect(again.body).toEqual(first.body);
    expect(again.headers.get('idempotency-replayed')).toBe('true');
    expect((await api.post('/v1/peers', peer('other'), key)).status).toBe(409);
  });

  it('that failed can be tried again', async () => {
    const { api } = fixture;
    const key = { 'idempotency-key': 'k2' };
    expect((await api.send('DELETE', '/v1/peers/later', undefined, key)).status).toBe(404);
    await api.post('/v1/peers', peer('later'));
    expect((await api.send('DELETE', '/v1/peers/later', undefined, key)).status).toBe(200);
  });
});

describe('pre-flight', () => {
  const failed = { name: 'wal_level', ok: false, detail: 'wal_level is replica', fix: 'set it' };
  const passed = { name: 'reachable', ok: true, detail: 'yes', fix: '' };
  const mirror = {
    name: 'pre',
    source_peer: 'src',
    destination_peer: 'dst',
    table_mappings: 'public.*',
    cdc_batch_size: 77,
  };

  it('shows every failure with its fix and creates nothing', async () => {
    const { api, workers } = fixture;
    await createPeers(api);
    workers.checks = [passed, failed];
    const created = await api.post('/v1/mirrors', mirror);
    expect(created.status).toBe(422);
    expect(created.body['checks']).toEqual([failed]);
    expect(created.body['detail']).toContain('wal_level is replica');
    const validated = await api.post('/v1/mirrors/validate', mirror);
    expect(validated).toMatchObject({
      status: 200,
      body: { ok: false, checks: [passed, failed, { name: 'no_loop', ok: true }] },
    });
    workers.checks = [passed];
    const only = await api.post('/v1/mirrors?validate_only=true', mirror);
    expect(only).toMatchObject({ status: 200, body: { ok: true } });
    expect((await api.get('/v1/mirrors')).text).toBe('[]');
  });

  it('is asked what the body says', async () => {
    const { api, workers } = fixture;
    await api.post('/v1/mirrors/validate', mirror);
    expect(workers.questions.at(-1)).toMatchObject({
      wishes: [{ source: 'public.*' }],
      all_tables: false,
      options: { max_batch_size: 77 },
    });
    await api.post('/v1/mirrors/validate', { ...mirror, exclude_tables: ['public.log_*'] });
    expect(workers.questions.at(-1)).toMatchObject({
      wishes: [{ source: 'public.*', except: ['public.log_*'] }],
    });
  });

  it('a peer that does not exist is named', async () => {
    const body = { ...mirror, source_peer: 'none', destination_peer: 'neither' };
    const { status, body: problem } = await fixture.api.post('/v1/mirrors', body);
    expect(status).toBe(400);
    expect(problem['fields']).toMatchObject([
      { path: 'source_peer' },
      { path: 'destination_peer' },
    ]);
  });
});

describe('hostile input', () => {
  it('never gets more than a refusal', { timeout: 60_000 }, async () => {
    const { api } = fixture;
    const bodies = [
      '',
      'null',
      '0',
      '{"a":',
      '\u0000',
      '{"name":"\\u0000"}',
      '{"name":"\\ud800"}',
      '{"__proto__":{"role":"admin"}}',
      '{"constructor":{"prototype":1}}',
      '{"toString":1,"name":{"toString":2}}',
      `${'['.repeat(50_000)}${']'.repeat(50_000)}`,
      `{"table_mappings":${'['.repeat(1_000)}${']'.repeat(1_000)}}`,
      '{"name":{"$gt":""},"host":["x"],"port":1e400}',
      '{"name":"x","source_peer":"src","destination_peer":"dst","table_mappings":[null]}',
      '{"name":"x","source_peer":"src","destination_peer":"dst","table_mappings":{"length":1e9}}',
      '{"username":[],"password":{}}',
    ];
    const paths = [
      'POST /v1/peers',
      'PUT /v1/peers/src',
      'POST /v1/mirrors',
      'POST /v1/mirrors/validate',
      'PATCH /v1/mirrors/none',
      'POST /v1/mirrors/none/retry',
      'POST /v1/mirrors/none/resync',
      'PUT /v1/mirrors/none/tables',
      'POST /v1/users',
      'PATCH /v1/users/none',
      'POST /v1/auth/change-password',
    ];
    for (const path of paths) {
      const [method = '', address = ''] = path.split(' ');
      for (const body of bodies) {
        const { status } = await api.send(method, address, body);
        // An empty body is a change of nothing where every field may be left out.
        if (path === 'PUT /v1/peers/src' && ['', 'null'].includes(body)) continue;
        expect([path, body.slice(0, 60), status < 500 && status >= 400]).toEqual([
          path,
          body.slice(0, 60),
          true,
        ]);
      }
    }
    const addresses = [
      '/v1/mirrors/%E0%A4%A',
      '/v1/mirrors/%00',
      '/v1/mirrors/..%2f..%2fetc',
      "/v1/mirrors/x'%20or%201=1",
      '/v1/mirrors/src/logs?limit=-1',
      '/v1/mirrors/src/logs?search=%00',
      '/v1/mirrors/src/logs?limit=1&limit=2',
      '/v1/mirrors/src/logs?search[$ne]=1',
      '/v1/mirrors/src/events?after=99999999999999999999',
      '/v1/mirrors/src/metrics?window=9999999h',
      `/v1/mirrors/${'a'.repeat(5_000)}`,
      '/v1/mirrors/x/resync/%00',
      '/v1/users/%00',
      '/v1/peers/__proto__',
      '/v1/peers/constructor',
    ];
    for (const address of addresses) {
      const { status } = await api.get(address);
      expect([address, status >= 400 && status < 500]).toEqual([address, true]);
    }
    expect((await api.get('/health')).status).toBe(200);
  });

  it('too many failed logins are held off', async () => {
    const open = fixture.api.as(undefined);
    let last = 401;
    for (let count = 0; count < 20 && last === 401; count += 1) {
      const { status } = await open.post('/v1/auth/login', { username: 'admin', password: 'no' });
      last = status;
    }
    expect(last).toBe(429);
    const held = await open.post('/v1/auth/login', { username: 'admin', password: 'no' });
    expect(Number(held.headers.get('retry-after'))).toBeGreaterThan(0);
  });
});

async function addUser(username: string, role: string, password: string): Promise<void> {
  const made = await fixture.api.post('/v1/users', { username, role, password });
  expect(made.status).toBe(201);
}
