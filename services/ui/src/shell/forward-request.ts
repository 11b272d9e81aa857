import { type IncomingMessage, type ServerResponse, request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { pipeline } from 'node:stream/promises';
import type { ConsoleConfig } from '../config.js';
import { headersToPassBack, headersToPassOn } from '../core/request-rules.js';
import { tokenOf } from '../core/session-cookie.js';
import { forwardedFor } from './forwarded-for.js';

/**
 * Passes a request on to the gateway and its answer back, both as they come: server-sent events stay open until either side leaves.
 *
 * @throws Error when the gateway cannot be reached, before anything was answered.
 */
export async function forwardRequest(
  config: ConsoleConfig,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const url = new URL(request.url ?? '/', `${config.apiUrl}/`);
  const send = url.protocol === 'https:' ? httpsRequest : httpRequest;
  const token = tokenOf(request.headers.cookie);
  const upstream = send(`${config.apiUrl}${url.pathname}${url.search}`, {
    method: request.method,
    headers: {
      ...headersToPassOn(request.headers),
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      'x-forwarded-for': forwardedFor(request, config.trustedProxies),
    },
  });
  response.on('close', () => upstream.destroy());
  const answered = new Promise<IncomingMessage>((resolve, reject) => {
    upstream.on('response', resolve);
    upstream.on('error', reject);
  });
  request.pipe(upstream);
  const answer = await answered;
  response.writeHead(answer.statusCode ?? 502, headersToPassBack(answer.headers));
  // Whoever leaves early ends the other; there is nobody left to tell.
  await pipeline(answer, response).catch(() => undefined);
}
