import type { Socket } from 'node:net';
import pg from 'pg';
import type { ConnectionSettings } from './connection-settings.js';
import { isTlsFailure, sqlstateOf, toMirrorError } from './mirror-error.js';
import type { ServerRole } from './server-role.js';
import { type TlsAttempt, tlsAttempts } from './tls-options.js';

export interface ConnectOptions {
  readonly role: ServerRole;
  /** Ends the attempt; a connection that stands already is the caller's to end. */
  readonly signal?: AbortSignal;
  /** A walsender session (`replication=database`): it understands replication commands and plain SQL, but no parameters. */
  readonly replication?: boolean;
  /** How long a statement waits for a lock; 0, the default, is for ever. */
  readonly lockTimeoutMs?: number;
}

/**
 * Connects, with every setting that changes the meaning of text fixed, so that a value reads the same at both ends whatever
 * the server, database or role has set.
 *
 * @throws MirrorError with the kind of what went wrong.
 */
export async function connectClient(
  settings: ConnectionSettings,
  options: ConnectOptions,
): Promise<pg.Client> {
  try {
    const client = await connectAsAllowed(settings, options);
    try {
      await client.query(sessionSettings(options));
    } catch (error) {
      await client.end().catch(() => undefined);
      throw error;
    }
    return client;
  } catch (error) {
    throw toMirrorError(error, {
      role: options.role,
      host: settings.host,
      port: settings.port,
      database: settings.database,
      user: settings.user,
    });
  }
}

/** The configuration of a `pg` client, for one way to try TLS. */
export function clientConfig(
  settings: ConnectionSettings,
  tls: TlsAttempt,
): pg.ClientConfig & { readonly ssl: TlsAttempt } {
  return {
    host: settings.host,
    port: settings.port,
    user: settings.user,
    database: settings.database,
    // A function even for "no password": otherwise the driver would look into PGPASSWORD and ~/.pgpass.
    password: () => settings.password ?? '',
    ssl: tls,
    application_name: settings.applicationName,
    connectionTimeoutMillis: settings.connectTimeoutMs ?? CONNECT_TIMEOUT_MS,
    keepAlive: true,
    keepAliveInitialDelayMillis: KEEP_ALIVE_DELAY_MS,
  };
}

/** Whether the next way to try TLS is worth it: as in libpq, when TLS itself failed or the server refused the session. */
export function triesWithoutTls(error: unknown): boolean {
  if (sqlstateOf(error)?.startsWith('28')) return true;
  const code: unknown = typeof error === 'object' && error && Reflect.get(error, 'code');
  const message = error instanceof Error ? error.message : '';
  return isTlsFailure(typeof code === 'string' ? code : '', message);
}

/**
 * One simple query, since a walsender has no extended protocol; settings that a server does not know are left out by the join. Some
 * names are in mixed case there (`DateStyle`).
 */
export function sessionSettings(options: Pick<ConnectOptions, 'lockTimeoutMs'>): string {
  const values = { ...SESSION_SETTINGS, lock_timeout: String(options.lockTimeoutMs ?? 0) };
  const rows = Object.entries(values).map(([name, value]) => `('${name}', '${value}')`);
  return `select pg_catalog.set_config(w.name, w.value, false)
    from (values ${rows.join(', ')}) as w (name, value)
    join pg_catalog.pg_settings s on pg_catalog.lower(s.name) = w.name`;
}

async function connectAsAllowed(
  settings: ConnectionSettings,
  options: ConnectOptions,
): Promise<pg.Client> {
  let failure: unknown;
  for (const tls of tlsAttempts(settings)) {
    options.signal?.throwIfAborted();
    try {
      return await connectOnce({ ...clientConfig(settings, tls), ...walsender(options) }, options);
    } catch (error) {
      // A refusal by the server says more than the lack of TLS, whichever of the two attempts met it.
      failure = sqlstateOf(failure) === undefined ? error : failure;
      if (!triesWithoutTls(error)) throw error;
    }
  }
  throw failure;
}

function walsender(options: ConnectOptions): Record<string, unknown> {
  return options.replication ? { replication: 'database' } : {};
}

async function connectOnce(
  config: pg.ClientConfig,
  { signal }: ConnectOptions,
): Promise<pg.Client> {
  const client = new pg.Client(config);
  // A connection that dies while nothing waits for it must not end the process: the next query is refused and tells.
  client.on('error', () => undefined);
  const abort = (): void => {
    socketOf(client).destroy(new Error('connection was aborted'));
  };
  signal?.addEventListener('abort', abort, { once: true });
  try {
    await client.connect();
    return client;
  } catch (error) {
    socketOf(client).destroy();
    throw error;
  } finally {
    signal?.removeEventListener('abort', abort);
  }
}

/** The socket of a client; not part of the driver's typed surface. */
export function socketOf(client: pg.Client): Socket {
  return (client as unknown as { readonly connection: { readonly stream: Socket } }).connection
    .stream;
}

const CONNECT_TIMEOUT_MS = 10_000;
const KEEP_ALIVE_DELAY_MS = 10_000;

const SESSION_SETTINGS = {
  search_path: '',
  client_encoding: 'UTF8',
  timezone: 'UTC',
  datestyle: 'ISO, YMD',
  intervalstyle: 'postgres',
  extra_float_digits: '3',
  bytea_output: 'hex',
  xmloption: 'content',
  xmlbinary: 'base64',
  standard_conforming_strings: 'on',
  // Rows that a policy hides would be missing without a word; this way the server refuses instead.
  row_security: 'off',
  statement_timeout: '0',
  idle_in_transaction_session_timeout: '0',
  idle_session_timeout: '0',
  transaction_timeout: '0',
} as const;
