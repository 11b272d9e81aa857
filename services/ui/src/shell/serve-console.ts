/**
 * Serves the console to browsers, and stands between them and the gateway.
 *
 *     /session      POST signs in, DELETE signs out: the token goes into a cookie that only this server reads
 *     /v1/…         passed on to the gateway with that token, server-sent events included
 *     /health       {"status":"ok"}
 *     anything else the built console; an unknown path is one of its pages
 *
 * It keeps nothing: any number of these may run side by side.
 */
import { once } from 'node:events';
import { type IncomingMessage, type ServerResponse, createServer } from 'node:http';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import sirv from 'sirv';
import type { ConsoleConfig } from '../config.js';
import { isFromConsole } from '../core/request-rules.js';
import { forwardRequest } from './forward-request.js';
import { sendProblem } from './send-problem.js';
import { handleSession } from './session-route.js';

export interface ConsoleServer {
  readonly port: number;
  close(): Promise<void>;
}

/** Starts to listen. @throws Error when the console is not built or the port is taken. */
export async function serveConsole(config: ConsoleConfig): Promise<ConsoleServer> {
  if (!existsSync(join(config.assets, 'index.html'))) {
    throw new Error(`there is no console in ${config.assets}: build it with "npm run build:ui"`);
  }
  const assets = sirv(config.assets, {
    single: true,
    etag: true,
    setHeaders: (response, path) => {
      // Names of built files change with their content; the page that names them must be looked at again.
      const isNamedByContent = path.startsWith('/assets/');
      response.setHeader(
        'Cache-Control',
        isNamedByContent ? 'public, max-age=31536000, immutable' : 'no-cache',
      );
    },
  });
  const server = createServer((request, response) => {
    protect(response);
    route(config, request, response).then(
      (isHandled) => {
        if (!isHandled)
          assets(request, response, () => sendProblem(response, 404, 'there is no such page'));
      },
      () =>
        sendProblem(response, 502, 'the gateway does not answer; is the control service running?'),
    );
  });
  server.listen(config.port, config.host);
  await once(server, 'listening');
  const address = server.address();
  return {
    port: typeof address === 'object' && address ? address.port : config.port,
    close: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

/** Whether the request was for one of our own routes. */
async function route(
  config: ConsoleConfig,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<boolean> {
  const path = new URL(request.url ?? '/', 'http://console').pathname;
  if (path === '/health') {
    response.setHeader('Content-Type', 'application/json').end('{"status":"ok"}');
    return true;
  }
  if (path !== '/session' && !path.startsWith('/v1/')) return false;
  if (!isFromConsole(request.method ?? 'GET', request.headers)) {
    sendProblem(response, 403, 'this request does not come from the console');
    return true;
  }
  if (path === '/session') await handleSession(config, request, response);
  else await forwardRequest(config, request, response);
  return true;
}

/** Scripts, styles and connections are our own; no one may put the console into a frame. */
function protect(response: ServerResponse): void {
  response.setHeader(
    'Content-Security-Policy',
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'; base-uri 'self'; form-action 'self'; object-src 'none'",
  );
  response.setHeader('X-Content-Type-Options', 'nosniff');
  response.setHeader('X-Frame-Options', 'DENY');
  response.setHeader('Referrer-Policy', 'no-referrer');
  response.setHeader('Cross-Origin-Opener-Policy', 'same-origin');
}
