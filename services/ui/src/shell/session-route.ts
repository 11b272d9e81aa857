import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ConsoleConfig } from '../config.js';
import { beginSession, endSession, tokenOf } from '../core/session-cookie.js';
import { forwardedFor } from './forwarded-for.js';
import { sendProblem } from './send-problem.js';

/** Signs in (POST, with the body of the gateway's login) and out (DELETE). The token is not in the answer. */
export async function handleSession(
  config: ConsoleConfig,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (request.method === 'POST') return signIn(config, request, response);
  if (request.method === 'DELETE') return signOut(config, request, response);
  sendProblem(response, 405, 'sign in with POST, out with DELETE');
}

async function signIn(
  config: ConsoleConfig,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const body = await readBody(request);
  if (body === undefined) return sendProblem(response, 413, 'the request is too large');
  const answer = await fetch(`${config.apiUrl}/v1/auth/login`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'x-forwarded-for': forwardedFor(request, config.trustedProxies),
    },
    body,
  });
  const text = await answer.text();
  if (!answer.ok) {
    const retryAfter = answer.headers.get('retry-after');
    response.writeHead(answer.status, {
      'Content-Type': answer.headers.get('content-type') ?? 'application/problem+json',
      ...(retryAfter === null ? {} : { 'Retry-After': retryAfter }),
    });
    response.end(text);
    return;
  }
  const { token, expires_at: expiresAt, username, role } = parseLogin(text);
  response.writeHead(200, {
    'Content-Type': 'application/json',
    'Cache-Control': 'no-store',
    'Set-Cookie': beginSession(token, new Date(expiresAt), config.isSecure),
  });
  response.end(JSON.stringify({ username, role, expires_at: expiresAt }));
}

/** The cookie goes in any case; a gateway that is down cannot keep anybody signed in here. */
async function signOut(
  config: ConsoleConfig,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const token = tokenOf(request.headers.cookie);
  if (token !== undefined) {
    await fetch(`${config.apiUrl}/v1/auth/logout`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}` },
    }).catch(() => undefined);
  }
  response.writeHead(204, { 'Set-Cookie': endSession(config.isSecure) });
  response.end();
}

interface Login {
  readonly token: string;
  readonly expires_at: string;
  readonly username: string;
  readonly role: string;
}

function parseLogin(text: string): Login {
  const login = JSON.parse(text) as Partial<Login>;
  const { token, expires_at: expiresAt, username, role } = login;
  if (
    token === undefined ||
    expiresAt === undefined ||
    username === undefined ||
    role === undefined
  ) {
    throw new Error('the gateway answered a login with something else');
  }
  return { token, expires_at: expiresAt, username, role };
}

async function readBody(request: IncomingMessage): Promise<string | undefined> {
  const pieces: Buffer[] = [];
  let bytes = 0;
  for await (const piece of request as AsyncIterable<Buffer>) {
    bytes += piece.length;
    if (bytes > BODY_BYTES_MAX) return undefined;
    pieces.push(piece);
  }
  return Buffer.concat(pieces).toString();
}

const BODY_BYTES_MAX = 16 * 1024;
