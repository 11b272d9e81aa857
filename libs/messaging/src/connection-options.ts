import {
  type Authenticator,
  type ConnectionOptions,
  credsAuthenticator,
  nkeyAuthenticator,
  tokenAuthenticator,
  usernamePasswordAuthenticator,
} from '@nats-io/transport-node';
import { MirrorError } from '@bunnydb/failure';

/** How long a request to JetStream's API may take. */
export const API_TIMEOUT_MS = 5_000;
const CONNECT_TIMEOUT_MS = 5_000;
const PING_INTERVAL_MS = 10_000;
const PINGS_OUT_MAX = 2;
const RECONNECT_WAIT_MS = 200;
const RECONNECT_JITTER_MS = 100;

/** How a client proves itself. What is secret is asked for when it is sent, so that printing the options shows none. */
export type NatsLogin =
  | { readonly tag: 'password'; readonly user: string; readonly password: () => string }
  | { readonly tag: 'token'; readonly token: () => string }
  /** `seed` begins with SU. */
  | { readonly tag: 'nkey'; readonly seed: () => string }
  /** The content of a `.creds` file: a JWT and its seed. */
  | { readonly tag: 'credentials'; readonly content: () => string };

/** PEM texts. */
export interface NatsTls {
  /** Authorities that the server's certificate is verified against; the system's by default. */
  readonly ca?: string;
  /** The client's own certificate and its key. */
  readonly cert?: string;
  readonly key?: () => string;
}

export interface NatsAddress {
  /** As NATS_URL. */
  readonly url: string;
  /** Shown by `nats server report connections`. */
  readonly name: string;
  /** Instead of what the URL holds. */
  readonly login?: NatsLogin;
  /** Asks for TLS, as the scheme `tls:` does. */
  readonly tls?: NatsTls;
  /** Where replies come to; a server with permissions lets each user have its own only. */
  readonly inboxPrefix?: string;
}

/**
 * Reads NATS_URL: one server or several, separated by commas, as `nats://`, `tls://`, with optional `user:password@` or
 * `token@`. Every option that matters is explicit: a service reconnects for ever, also after a refused login.
 *
 * @throws MirrorError `invalid_input` for a URL that cannot be read; its text is not repeated, since it may hold a password.
 */
export function connectionOptionsOf(address: NatsAddress): ConnectionOptions {
  const urls = address.url.split(',').map((part) => parseServerUrl(part.trim()));
  const [first] = urls;
  if (first === undefined) {
    throw unreadableUrl();
  }
  const login = address.login ?? loginOf(first);
  const secure = address.tls !== undefined || urls.some((server) => server.protocol === 'tls:');
  return {
    servers: urls.map((server) => server.host),
    name: address.name,
    ...(login === undefined ? {} : { authenticator: authenticatorOf(login) }),
    ...(secure ? { tls: tlsOf(address.tls ?? {}) } : {}),
    ...(address.inboxPrefix === undefined ? {} : { inboxPrefix: address.inboxPrefix }),
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

function loginOf(server: URL): NatsLogin | undefined {
  if (server.username === '') {
    return undefined;
  }
  try {
    const user = decodeURIComponent(server.username);
    const password = decodeURIComponent(server.password);
    return password === ''
      ? { tag: 'token', token: () => user }
      : { tag: 'password', user, password: () => password };
  } catch {
    throw unreadableUrl();
  }
}

function authenticatorOf(login: NatsLogin): Authenticator {
  switch (login.tag) {
    case 'password':
      return usernamePasswordAuthenticator(login.user, login.password);
    case 'token':
      return tokenAuthenticator(login.token);
    case 'nkey':
      return nkeyAuthenticator(() => new TextEncoder().encode(login.seed().trim()));
    case 'credentials':
      return credsAuthenticator(() => new TextEncoder().encode(login.content()));
  }
}

function tlsOf({ ca, cert, key }: NatsTls): NonNullable<ConnectionOptions['tls']> {
  return {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key: key() }),
  };
}

function unreadableUrl(): MirrorError {
  return new MirrorError(
    'invalid_input',
    'NATS_URL cannot be read; it looks like nats://host:4222 or tls://user:password@host:4222',
  );
}
