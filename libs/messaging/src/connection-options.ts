import type { ConnectionOptions } from '@nats-io/transport-node';
import { MirrorError } from '@bunnydb/failure';

/** How long a request to JetStream's API may take. */
export const API_TIMEOUT_MS = 5_000;
const CONNECT_TIMEOUT_MS = 5_000;
const PING_INTERVAL_MS = 10_000;
const PINGS_OUT_MAX = 2;
const RECONNECT_WAIT_MS = 200;
const RECONNECT_JITTER_MS = 100;

/**
 * Reads NATS_URL: one server or several, separated by commas, as `nats://`, `tls://`, with optional `user:password@` or
 * `token@`. Every option that matters is explicit: a service reconnects for ever, also after a refused login.
 *
 * @throws MirrorError `invalid_input` for a URL that cannot be read; its text is not repeated, since it may hold a password.
 */
export function connectionOptionsOf(url: string, name: string): ConnectionOptions {
  const urls = url.split(',').map((part) => parseServerUrl(part.trim()));
  const [first] = urls;
  if (first === undefined) {
    throw unreadableUrl();
  }
  return {
    servers: urls.map((server) => server.host),
    name,
    ...credentialsOf(first),
    ...(urls.some((server) => server.protocol === 'tls:') ? { tls: {} } : {}),
    timeout: CONNECT_TIMEOUT_MS,
    pingInterval: PING_INTERVAL_MS,
    maxPingOut: PINGS_OUT_MAX,
    reconnect: true,
    maxReconnectAttempts: -1,
    reconnectTimeWait: RECONNECT_WAIT_MS,
    reconnectJitter: RECONNECT_JITTER_MS,
    reconnectJitterTLS: RECONNECT_JITTER_MS,
    ignoreAuthErrorAbort: true,
    waitOnFirstConnect: false,
    noAsyncTraces: true,
  };
}

function parseServerUrl(text: string): URL {
  const candidate = /^[a-z]+:\/\//i.test(text) ? text : `nats://${text}`;
  if (!URL.canParse(candidate)) {
    throw unreadableUrl();
  }
  const server = new URL(candidate);
  if (!['nats:', 'tls:'].includes(server.protocol) || server.hostname === '') {
    throw unreadableUrl();
  }
  if (server.port === '') {
    server.port = '4222';
  }
  return server;
}

function credentialsOf(server: URL): Pick<ConnectionOptions, 'user' | 'pass' | 'token'> {
  const user = decodeURIComponent(server.username);
  const pass = decodeURIComponent(server.password);
  if (user === '') {
    return {};
  }
  return pass === '' ? { token: user } : { user, pass };
}

function unreadableUrl(): MirrorError {
  return new MirrorError(
    'invalid_input',
    'NATS_URL cannot be read; it looks like nats://host:4222 or tls://user:password@host:4222',
  );
}
