import { mkdtemp, writeFile } from 'node:fs/promises';
import { type IncomingMessage, type Server, createServer } from 'node:http';
import { once } from 'node:events';
import { BlockList } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type ConsoleServer, serveConsole } from '../src/shell/serve-console.js';

const TOKEN = 'aaa.bbb.ccc';
/** Stands in for the gateway: what it was sent is what counts here. */
const seen: { method: string; url: string; headers: IncomingMessage['headers']; body: string }[] =
  [];
let gateway: Server;
let console_: ConsoleServer;
let base: string;

beforeAll(async () => {
  gateway = createServer((request, response) => {
    let body = '';
    request.on('data', (piece: Buffer) => (body += piece.toString()));
    request.on('end', () => {
      seen.push({
        method: request.method ?? '',
        url: request.url ?? '',
        headers: request.headers,
        body,
      });
      if (request.url === '/v1/auth/login') {
        const isRight = body.includes('right');
        response.writeHead(isRight ? 200 : 401, { 'content-type': 'application/json' });
        response.end(
          JSON.stringify(
            isRight
              ? { token: TOKEN, expires_at: '2030-01-01T00:00:00Z', username: 'ada', role: 'admin' }
              : { detail: 'the user name or the password is wrong' },
          ),
        );
      } else if (request.url?.startsWith('/v1/stream')) {
        response.writeHead(200, { 'content-type': 'text/event-stream' });
        response.write('data: first\n\n');
      } else {
        response.writeHead(200, { 'content-type': 'application/json', 'set-cookie': 'x=y' });
        response.end('{}');
      }
    });
  });
  gateway.listen(0, '127.0.0.1');
  await once(gateway, 'listening');
  const address = gateway.address();
  const assets = await mkdtemp(join(tmpdir(), 'bunny-ui-'));
  await writeFile(join(assets, 'index.html'), '<title>BunnyDB</title>');
  console_ = await serveConsole({
    port: 0,
    host: '127.0.0.1',
    apiUrl: `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`,
    assets,
    trustedProxies: new BlockList(),
    isSecure: false,
  });
  base = `http://127.0.0.1:${console_.port}`;
});

afterAll(async () => {
  await console_.close();
  gateway.closeAllConnections();
  gateway.close();
});

const OWN = { 'x-bunny-console': '1', 'content-type': 'application/json' };

it('keeps the token in a cookie that scripts cannot read, and out of the answer', async () => {
  const answer = await fetch(`${base}/session`, {
    method: 'POST',
    headers: OWN,
    body: '{"password":"right"}',
  });
  expect(answer.status).toBe(200);
  expect(await answer.text()).not.toContain(TOKEN);
  expect(answer.headers.get('set-cookie')).toMatch(
    /bunny_session=aaa\.bbb\.ccc;.*HttpOnly; SameSite=Strict/,
  );
});

it('passes a refused sign-in on as it is, without a cookie', async () => {
  const answer = await fetch(`${base}/session`, {
    method: 'POST',
    headers: OWN,
    body: '{"password":"wrong"}',
  });
  expect(answer.status).toBe(401);
  expect(answer.headers.get('set-cookie')).toBeNull();
  expect(await answer.text()).toContain('wrong');
});

it('gives the gateway the token of the cookie and never one of the browser', async () => {
  await fetch(`${base}/v1/mirrors?a=1`, {
    headers: { cookie: `other=1; bunny_session=${TOKEN}`, authorization: 'Bearer forged' },
  });
  const last = seen.at(-1);
  expect(last).toMatchObject({ method: 'GET', url: '/v1/mirrors?a=1' });
  expect(last?.headers.authorization).toBe(`Bearer ${TOKEN}`);
  expect(last?.headers.cookie).toBeUndefined();
});

it('passes no cookie of the gateway on to the browser', async () => {
  const answer = await fetch(`${base}/v1/mirrors`);
  expect(answer.headers.get('set-cookie')).toBeNull();
});

it('refuses a change that another site asks for', async () => {
  const before = seen.length;
  const cookie = `bunny_session=${TOKEN}`;
  const without = await fetch(`${base}/v1/mirrors`, { method: 'POST', headers: { cookie } });
  const foreign = await fetch(`${base}/v1/mirrors`, {
    method: 'POST',
    headers: { ...OWN, cookie, origin: 'https://elsewhere.example' },
  });
  expect([without.status, foreign.status]).toEqual([403, 403]);
  expect(seen.length).toBe(before);
});

it('hands server-sent events over as they come', async () => {
  const answer = await fetch(`${base}/v1/stream`);
  const reader = answer.body?.getReader();
  const first = await reader?.read();
  expect(new TextDecoder().decode(first?.value)).toContain('data: first');
  await reader?.cancel();
});

it('answers an unknown path with the console, which knows its pages', async () => {
  const answer = await fetch(`${base}/mirrors/shop`);
  expect(await answer.text()).toContain('BunnyDB');
  expect(answer.headers.get('content-security-policy')).toContain("default-src 'self'");
});

it('does not serve files outside of its folder', async () => {
  const answer = await fetch(`${base}/..%2f..%2fetc%2fpasswd`);
  expect(await answer.text()).not.toContain('root:');
});

it('says that the gateway is away rather than hang', async () => {
  const alone = await serveConsole({
    port: 0,
    host: '127.0.0.1',
    apiUrl: 'http://127.0.0.1:9',
    assets: join(import.meta.dirname, '..', 'console'),
    trustedProxies: new BlockList(),
    isSecure: false,
  });
  const answer = await fetch(`http://127.0.0.1:${alone.port}/v1/mirrors`);
  expect(answer.status).toBe(502);
  expect(await answer.json()).toMatchObject({
    detail: expect.stringContaining('gateway') as string,
  });
  await alone.close();
});
