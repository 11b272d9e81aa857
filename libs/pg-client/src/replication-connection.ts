import type pg from 'pg';
import { LogicalReplicationService } from 'pg-logical-replication';
import { clientConfig, sessionSettings, triesWithoutTls } from './connect-client.js';
import type { ConnectionSettings } from './connection-settings.js';
import { LibraryReplicationStream } from './library-stream.js';
import { sqlstateOf, toMirrorError } from './mirror-error.js';
import {
  LeanReplicationStream,
  type ReplicationStream,
  type StreamOptions,
} from './replication-stream.js';
import { type TlsAttempt, tlsAttempts } from './tls-options.js';

/** A walsender session before its stream: it answers plain SQL and replication commands, but takes no parameters. */
export interface ReplicationConnection {
  query<Row extends pg.QueryResultRow>(sql: string): Promise<readonly Row[]>;
  /** Starts the stream; the connection belongs to it from then on. */
  start(options: StreamOptions): ReplicationStream;
  close(): Promise<void>;
}

export interface OpenReplicationOptions {
  /** `library`: read by pg-logical-replication itself; see `LibraryReplicationStream`. */
  readonly reader?: 'lean' | 'library';
  /** Ends the wait for the connection. */
  readonly signal?: AbortSignal;
}

/**
 * Opens a replication connection to the source, its session owned by pg-logical-replication.
 *
 * The library's own acknowledgement is switched off for good: it would confirm what was received, while the slot may only follow what the
 * destination has.
 *
 * @throws MirrorError
 */
export async function openReplication(
  settings: ConnectionSettings,
  options: OpenReplicationOptions = {},
): Promise<ReplicationConnection> {
  let failure: unknown;
  for (const tls of tlsAttempts(settings)) {
    try {
      options.signal?.throwIfAborted();
      return await unlessAborted(openOnce(settings, tls, options.reader ?? 'lean'), options.signal);
    } catch (error) {
      failure = sqlstateOf(failure) === undefined ? error : failure;
      if (options.signal?.aborted || !triesWithoutTls(error)) break;
    }
  }
  throw toMirrorError(failure, {
    role: 'source',
    host: settings.host,
    port: settings.port,
    database: settings.database,
    user: settings.user,
  });
}

async function openOnce(
  settings: ConnectionSettings,
  tls: TlsAttempt,
  reader: 'lean' | 'library',
): Promise<ReplicationConnection> {
  const service = new LogicalReplicationService(clientConfig(settings, tls), {
    acknowledge: { auto: false, timeoutSeconds: 0 },
  });
  // A failure reaches us through the promise or the stream; without a listener the event would end the process.
  service.on('error', () => undefined);
  const plugin = new BunnyPlugin();
  const subscribed = service.subscribe(plugin, '');
  subscribed.catch(() => undefined);
  const client = await Promise.race([plugin.connected, subscribed.then(neverConnected)]);
  const close = async (): Promise<void> => {
    plugin.end();
    await service.destroy();
  };
  try {
    await client.query(sessionSettings({}));
  } catch (error) {
    await close();
    throw error;
  }
  return {
    query: async <Row extends pg.QueryResultRow>(sql: string) => (await ask<Row>(client, sql)).rows,
    start: (streamOptions) =>
      reader === 'lean'
        ? new LeanReplicationStream(client, streamOptions, close)
        : new LibraryReplicationStream(client, service, streamOptions, close),
    close,
  };
}

/** The library cannot be told to give an attempt up, so nobody waits for it: a connection that comes too late is closed. */
async function unlessAborted(
  opening: Promise<ReplicationConnection>,
  signal: AbortSignal | undefined,
): Promise<ReplicationConnection> {
  if (!signal) return opening;
  let abort: () => void = () => undefined;
  const aborted = new Promise<never>((_, reject) => {
    abort = () => reject(new Error('connection was aborted'));
  });
  signal.addEventListener('abort', abort, { once: true });
  try {
    return await Promise.race([opening, aborted]);
  } catch (error) {
    void opening.then(
      (late) => late.close(),
      () => undefined,
    );
    throw error;
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

async function ask<Row extends pg.QueryResultRow>(
  client: pg.Client,
  sql: string,
): Promise<pg.QueryResult<Row>> {
  try {
    return await client.query<Row>(sql);
  } catch (error) {
    throw toMirrorError(error, { role: 'source' });
  }
}

function neverConnected(): never {
  throw new Error('Connection terminated');
}

/** Hands the library's client over to us instead of starting a stream at once, and keeps pgoutput's bytes as they are. */
class BunnyPlugin {
  readonly name = 'pgoutput';
  readonly options = {};
  readonly connected: Promise<pg.Client>;
  readonly #ended: Promise<void>;
  #connect: (client: pg.Client) => void = () => undefined;
  end: () => void = () => undefined;

  constructor() {
    this.connected = new Promise((resolve) => {
      this.#connect = resolve;
    });
    this.#ended = new Promise((resolve) => {
      this.end = resolve;
    });
  }

  start(client: pg.Client): Promise<void> {
    this.#connect(client);
    return this.#ended;
  }

  parse(buffer: Buffer): Buffer {
    return buffer;
  }
}
