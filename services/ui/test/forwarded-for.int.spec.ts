import { once } from 'node:events';
import { type Server, createServer } from 'node:http';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { forwardedFor, parseProxies } from '../src/shell/forwarded-for.js';

/** Answers with what the gateway would be told. */
let server: Server;
let trusted = parseProxies('');
let url: string;

beforeAll(async () => {
  server = createServer((request, response) => {
    response.end(trusted && forwardedFor(request, trusted));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`;
});
afterAll(() => server.close());

async function told(proxies: string, said: string): Promise<string> {
  trusted = parseProxies(proxies);
  return (await fetch(url, { headers: { 'x-forwarded-for': said } })).text();
}

it('passes on what a trusted proxy says, and its own address behind it', async () => {
  expect(await told('loopback', '203.0.113.9')).toBe('203.0.113.9, 127.0.0.1');
  expect(await told('10.0.0.0/8, 127.0.0.1', '203.0.113.9')).toBe('203.0.113.9, 127.0.0.1');
});

it('passes on nothing that anybody else says', async () => {
  expect(await told('', '203.0.113.9')).toBe('127.0.0.1');
  expect(await told('10.0.0.0/8', '203.0.113.9')).toBe('127.0.0.1');
  expect(await told('loopback', '')).toBe('127.0.0.1');
  expect(await told('loopback', '1'.repeat(5_000))).toBe('127.0.0.1');
});

it('refuses a list with anything else in it', () => {
  for (const list of ['nginx', '10.0.0.0/33', '10.0.0', 'loopback,x', '::1/129']) {
    expect(parseProxies(list)).toBeUndefined();
  }
  expect(parseProxies('::1, uniquelocal ,')).toBeDefined();
});
