import type { ConnectionOptions } from 'node:tls';
import type { ConnectionSettings } from './connection-settings.js';

/** One way to try a connection: with TLS (its options) or without (`false`). */
export type TlsAttempt = ConnectionOptions | false;

/**
 * What to try, in order, as libpq understands `sslmode`:
 *
 * | mode        | tried               | certificate                                          |
 * | ----------- | ------------------- | ---------------------------------------------------- |
 * | disable     | plain               | –                                                    |
 * | prefer      | TLS, then plain     | chain checked only if a root certificate is given    |
 * | require     | TLS                 | chain checked only if a root certificate is given    |
 * | verify-ca   | TLS                 | chain checked; without a root certificate, by Node's |
 * | verify-full | TLS                 | chain and host name checked                          |
 */
export function tlsAttempts(settings: ConnectionSettings): readonly TlsAttempt[] {
  switch (settings.sslMode) {
    case 'disable':
      return [false];
    case 'prefer':
      return isUnixSocket(settings) ? [false] : [tlsOptions(settings), false];
    case 'require':
    case 'verify-ca':
    case 'verify-full':
      return [tlsOptions(settings)];
  }
}

function tlsOptions(settings: ConnectionSettings): ConnectionOptions {
  const verifiesChain =
    settings.sslMode === 'verify-ca' ||
    settings.sslMode === 'verify-full' ||
    settings.sslRootCert !== undefined;
  return {
    rejectUnauthorized: verifiesChain,
    // Node's own check of the host name is what verify-full means; every other mode leaves the name out.
    ...(settings.sslMode === 'verify-full' ? {} : { checkServerIdentity: () => undefined }),
    ...(settings.sslRootCert === undefined ? {} : { ca: settings.sslRootCert }),
    ...(settings.sslCert === undefined ? {} : { cert: settings.sslCert }),
    ...(settings.sslKey === undefined ? {} : { key: settings.sslKey }),
  };
}

function isUnixSocket(settings: ConnectionSettings): boolean {
  return settings.host.startsWith('/');
}
