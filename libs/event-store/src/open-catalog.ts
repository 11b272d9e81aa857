import { Kysely, PostgresDialect } from 'kysely';
import pg from 'pg';

/** How the connection is protected: not at all, encrypted, or with the server's certificate and name verified as well. */
export type CatalogTls =
  | { readonly tag: 'none' }
  | { readonly tag: 'encrypted' }
  /** `ca`: PEM of the authority; the system's authorities unless given. */
  | { readonly tag: 'verified'; readonly ca?: string };

export interface CatalogSettings {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  /** Asked for when a session opens, so that printing the settings shows none. */
  readonly password?: () => string;
  readonly database: string;
  readonly tls: CatalogTls;
  readonly applicationName: string;
  readonly poolSizeMax: number;
  readonly connectTimeoutMs: number;
  readonly statementTimeoutMs: number;
}

const INT8_OID = 20;

/**
 * Opens the catalog: a pool of sessions under Kysely. 64-bit integers come back as `bigint`, never as text or a rounded number.
 *
 * @param onIdleError called when a session breaks while nobody uses it (the server restarted); the pool replaces it.
 */
export function openCatalog<Tables>(
  settings: CatalogSettings,
  onIdleError: (error: Error) => void,
): Kysely<Tables> {
  const pool = new pg.Pool({
    ...clientConfig(settings),
    max: settings.poolSizeMax,
    idleTimeoutMillis: 30_000,
    statement_timeout: settings.statementTimeoutMs,
    types: { getTypeParser: typeParser },
  });
  pool.on('error', onIdleError);
  return new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) });
}

/** The settings as `pg` reads them; shared by the pool and by the session that listens. */
export function clientConfig(settings: CatalogSettings): pg.ClientConfig {
  return {
    host: settings.host,
    port: settings.port,
    user: settings.user,
    password: settings.password,
    database: settings.database,
    ssl: sslOf(settings.tls),
    application_name: settings.applicationName,
    connectionTimeoutMillis: settings.connectTimeoutMs,
    keepAlive: true,
  };
}

function sslOf(tls: CatalogTls): pg.ClientConfig['ssl'] {
  switch (tls.tag) {
    case 'none':
      return false;
    case 'encrypted':
      return { rejectUnauthorized: false };
    case 'verified':
      return { rejectUnauthorized: true, ...(tls.ca === undefined ? {} : { ca: tls.ca }) };
  }
}

function typeParser(oid: number, format?: 'text' | 'binary'): (value: string) => unknown {
  if (oid === INT8_OID && format !== 'binary') return BigInt;
  return pg.types.getTypeParser(oid, 'text');
}
