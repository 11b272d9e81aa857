import type { PeerConnection, SealedText, SslMode } from '@bunnydb/contracts';

/** How to reach one PostgreSQL server, secrets opened: lives in memory only, is never logged and never leaves the process. */
export interface ConnectionSettings {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password?: string;
  readonly database: string;
  readonly sslMode: SslMode;
  /** PEM text, as are the two below. */
  readonly sslRootCert?: string;
  readonly sslCert?: string;
  readonly sslKey?: string;
  readonly applicationName: string;
  /** How long one attempt to connect may take; ten seconds unless given. */
  readonly connectTimeoutMs?: number;
}

/**
 * The settings of a peer, its secrets opened.
 *
 * @param open opens a sealed secret; throws when it was sealed with another key.
 * @param applicationName what `pg_stat_activity` shows.
 */
export function settingsOf(
  peer: PeerConnection,
  open: (sealed: SealedText) => string,
  applicationName: string,
): ConnectionSettings {
  return {
    host: peer.host,
    port: peer.port,
    user: peer.user,
    database: peer.database,
    sslMode: peer.ssl_mode,
    applicationName,
    ...(peer.password === undefined ? {} : { password: open(peer.password) }),
    ...(peer.ssl_root_cert === undefined ? {} : { sslRootCert: peer.ssl_root_cert }),
    ...(peer.ssl_cert === undefined ? {} : { sslCert: peer.ssl_cert }),
    ...(peer.ssl_key === undefined ? {} : { sslKey: open(peer.ssl_key) }),
  };
}
