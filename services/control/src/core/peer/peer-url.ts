import { SSL_MODES, type SslMode } from '@bunnydb/contracts';

/** What a connection URL can say. */
export interface PeerAddress {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password?: string;
  readonly database: string;
  readonly ssl_mode?: SslMode;
}

export type ParsedPeerUrl =
  | { readonly tag: 'parsed'; readonly address: PeerAddress }
  | { readonly tag: 'malformed'; readonly reason: string };

/** Reads `postgresql://user:password@host:port/database?sslmode=…`. The reason of a refusal never repeats the URL. */
export function parsePeerUrl(text: string): ParsedPeerUrl {
  if (!/^postgres(ql)?:\/\//.test(text) || !URL.canParse(text)) {
    return malformed('expected postgresql://user:password@host:port/database');
  }
  const url = new URL(text);
  const parts = [url.username, url.password, url.pathname.slice(1), url.hostname].map(decode);
  const [user, password, database, host] = parts;
  if (
    user === undefined ||
    password === undefined ||
    database === undefined ||
    host === undefined
  ) {
    return malformed('a part of the URL is not percent-encoded correctly');
  }
  if (host === '') return malformed('the URL names no host');
  if (user === '') return malformed('the URL names no user');
  const sslMode = url.searchParams.get('sslmode');
  // libpq's `allow` is its weakest form of `prefer`.
  const ssl_mode = SSL_MODES.find((mode) => mode === (sslMode === 'allow' ? 'prefer' : sslMode));
  if (sslMode !== null && ssl_mode === undefined) {
    return malformed(`sslmode must be one of ${SSL_MODES.join(', ')}`);
  }
  const unknown = [...url.searchParams.keys()].find((name) => name !== 'sslmode');
  if (unknown !== undefined) {
    return malformed(
      'the only parameter that a URL may have is sslmode; give certificates in ssl_root_cert, ssl_cert and ssl_key',
    );
  }
  return {
    tag: 'parsed',
    address: {
      host: host.replace(/^\[(.*)\]$/, '$1'),
      port: url.port === '' ? 5432 : Number(url.port),
      user,
      ...(password === '' ? {} : { password }),
      // As libpq: the database is named after the user unless the URL says otherwise.
      database: database === '' ? user : database,
      ...(ssl_mode === undefined ? {} : { ssl_mode }),
    },
  };
}

function decode(part: string): string | undefined {
  try {
    return decodeURIComponent(part);
  } catch {
    return undefined;
  }
}

function malformed(reason: string): ParsedPeerUrl {
  return { tag: 'malformed', reason };
}
