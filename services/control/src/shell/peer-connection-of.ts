import type { CreatePeerRequest, PeerConnection, UpdatePeerRequest } from '@bunnydb/contracts';
import type { Keyring } from '@bunnydb/secrets';
import { type PeerAddress, parsePeerUrl } from '../core/peer/peer-url.js';
import { invalidRequest } from './http/problem.js';

/** The connection that a request to create describes. */
export function newConnection(request: CreatePeerRequest, keys: Keyring): PeerConnection {
  const address: Partial<PeerAddress> = request.url
    ? addressOf(request.url, request)
    : { host: request.host, user: request.user, database: request.database };
  const { host, user, database } = address;
  if (host === undefined || user === undefined || database === undefined) {
    throw invalidRequest([{ path: 'host', message: 'give host, user and database, or url' }]);
  }
  return sealed(keys, {
    name: request.name,
    host,
    port: request.port ?? address.port ?? 5432,
    user,
    database,
    password: request.password ?? address.password,
    ssl_mode: request.ssl_mode ?? address.ssl_mode ?? 'prefer',
    ssl_root_cert: request.ssl_root_cert ?? undefined,
    ssl_cert: request.ssl_cert ?? undefined,
    ssl_key: request.ssl_key ?? undefined,
  });
}

/** What is omitted stays, secrets as they are sealed; null takes away what may be missing. */
export function changedConnection(
  present: PeerConnection,
  request: UpdatePeerRequest,
  keys: Keyring,
): PeerConnection {
  const address: Partial<PeerAddress> = request.url ? addressOf(request.url, request) : {};
  const fresh = sealed(keys, {
    name: present.name,
    host: request.host ?? address.host ?? present.host,
    port: request.port ?? address.port ?? present.port,
    user: request.user ?? address.user ?? present.user,
    database: request.database ?? address.database ?? present.database,
    password: request.password ?? address.password,
    ssl_mode: request.ssl_mode ?? address.ssl_mode ?? present.ssl_mode,
    ssl_key: request.ssl_key ?? undefined,
  });
  const kept = <Value>(given: Value | null | undefined, old: Value | undefined) =>
    given === undefined ? old : (given ?? undefined);
  return {
    ...fresh,
    password: fresh.password ?? (request.password === null ? undefined : present.password),
    ssl_root_cert: kept(request.ssl_root_cert, present.ssl_root_cert),
    ssl_cert: kept(request.ssl_cert, present.ssl_cert),
    ssl_key: fresh.ssl_key ?? (request.ssl_key === null ? undefined : present.ssl_key),
  };
}

function addressOf(url: string, request: object): PeerAddress {
  const parsed = parsePeerUrl(url);
  if (parsed.tag === 'malformed') {
    throw invalidRequest([{ path: 'url', message: parsed.reason }]);
  }
  const given = new Map(Object.entries(request));
  const twice = ['host', 'port', 'user', 'database'].filter(
    (name) => (given.get(name) ?? undefined) !== undefined,
  );
  if (twice.length > 0) {
    throw invalidRequest(
      twice.map((path) => ({ path, message: 'is in the url already; give only one of them' })),
    );
  }
  return parsed.address;
}

/** An empty password or key counts as none. */
function sealed(keys: Keyring, plain: PeerConnection): PeerConnection {
  const { password, ssl_key: sslKey } = plain;
  return {
    ...plain,
    password: password ? keys.seal(password) : undefined,
    ssl_key: sslKey ? keys.seal(sslKey) : undefined,
  };
}
