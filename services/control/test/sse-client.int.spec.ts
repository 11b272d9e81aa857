import { once } from 'node:events';
import { type Server, createServer } from 'node:http';
import { connect } from 'node:net';
import express from 'express';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { SseClient } from '../src/shell/http/sse-client.js';

let server: Server;
let port: number;
/** How serving ended, of the client that left last. */
let ended: Promise<string>;

beforeAll(async () => {
  const app = express();
  app.get('/', (_request, response) => {
    const left = new AbortController();
    response.on('close', () => left.abort());
    const client = new SseClient(response, left.signal, 2_000);
    ended = (async () => {
      for (;;) await client.send(`data: ${'x'.repeat(100_000)}\n\n`);
    })().catch((error: unknown) => (error instanceof Error ? error.name : 'unknown'));
  });
  server = createServer(app).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  port = typeof address === 'object' && address ? address.port : 0;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

it('a client that does not read is let go', async () => {
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  socket.pause();
  socket.write('GET / HTTP/1.1\r\nHost: here\r\n\r\n');
  await once(server, 'request');
  expect(await ended).toBe('AbortError');
  socket.destroy();
});

it('a client that reads is served until it leaves', async () => {
  const left = new AbortController();
  const answer = await fetch(`http://127.0.0.1:${port}/`, { signal: left.signal });
  const reader = answer.body?.getReader();
  let bytes = 0;
  while (bytes < 5_000_000) bytes += (await reader?.read())?.value?.length ?? 0;
  left.abort();
  expect(await ended).toBe('AbortError');
});
