import type { Socket } from 'node:net';
import { MirrorError } from '@bunnydb/failure';
import { type Lsn, formatLsn, quoteIdentifier, quoteLiteral } from '@bunnydb/pg-model';
import type pg from 'pg';
import { toMirrorError } from './mirror-error.js';
import { ReadPacing } from './read-pacing.js';
import { ReplicationFrameReader, type ReplicationHandler } from './replication-frames.js';
import { parseServerError } from './server-error-fields.js';
import { type StandbyStatus, encodeStandbyStatus } from './standby-status.js';

export interface StreamOptions {
  readonly slotName: string;
  readonly publicationNames: readonly string[];
  /** The server starts here or at the slot's position, whichever is later. */
  readonly startLsn: Lsn;
  readonly handler: ReplicationHandler;
  /** The server has accepted the slot and the position. */
  readonly onStarted?: () => void;
  /** A frame above this size is handed over in pieces. */
  readonly largeFrameBytes?: number;
}

/** A running replication stream, whoever reads it. */
export interface ReplicationStream {
  /** No further message is handed over until `resume`; the server is slowed down by TCP. */
  pause(): void;
  resume(): void;
  sendStatus(status: StandbyStatus): void;
  /** Rejects with a `MirrorError` when the stream ends without `stop`. */
  readonly ended: Promise<void>;
  /** Ends the stream and its connection. */
  stop(): Promise<void>;
}

/** The part of the driver's connection that is not in its types. */
export interface DriverConnection {
  readonly stream: Socket;
  query(text: string): void;
  sendCopyFromChunk(chunk: Buffer): void;
  emit(event: string, ...values: unknown[]): boolean;
}

/**
 * Starts a replication stream on a connection and reads its frames without the driver, which would make an object of each and
 * keep every message whole, whatever its size. The driver's own reader is taken off the socket for good: the
 * connection ends with the stream.
 */
export class LeanReplicationStream implements ReplicationStream {
  readonly ended: Promise<void>;
  readonly #connection: DriverConnection;
  readonly #reader: ReplicationFrameReader;
  readonly #pacing = new ReadPacing();
  readonly #close: () => Promise<void>;
  #rest: NodeJS.Timeout | undefined;
  #settle: (error?: unknown) => void = () => undefined;
  #stopping = false;

  constructor(client: pg.Client, options: StreamOptions, close: () => Promise<void>) {
    this.#connection = connectionOf(client);
    this.#close = close;
    this.ended = new Promise((resolve, reject) => {
      this.#settle = (error) => (error === undefined ? resolve() : reject(error));
    });
    // Whoever opened the stream may look at `ended` later than it ends.
    this.ended.catch(() => undefined);
    this.#reader = new ReplicationFrameReader({
      handler: options.handler,
      control: {
        serverStarted: () => options.onStarted?.(),
        serverError: (body) => this.#fail(parseServerError(body)),
        serverDone: () => this.#fail(serverDone()),
      },
      ...(options.largeFrameBytes === undefined
        ? {}
        : { largeFrameBytes: options.largeFrameBytes }),
    });
    this.#takeOver(options);
  }

  pause(): void {
    this.#reader.pause();
    this.#connection.stream.pause();
  }

  resume(): void {
    clearTimeout(this.#rest);
    try {
      if (this.#reader.resume()) this.#connection.stream.resume();
    } catch (error) {
      this.#fail(error);
    }
  }

  sendStatus(status: StandbyStatus): void {
    if (this.#stopping) return;
    this.#connection.sendCopyFromChunk(encodeStandbyStatus(status, Date.now()));
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    clearTimeout(this.#rest);
    const socket = this.#connection.stream;
    socket.removeAllListeners('data');
    // What still comes in is thrown away: a socket that is not read does not notice that the other side has closed.
    socket.resume();
    const deadline = setTimeout(() => socket.destroy(), STOP_DEADLINE_MS);
    await this.#close().catch(() => undefined);
    clearTimeout(deadline);
    socket.destroy();
    this.#settle();
  }

  #takeOver(options: StreamOptions): void {
    const socket = this.#connection.stream;
    socket.removeAllListeners('data');
    socket.on('data', (chunk: Buffer) => this.#read(chunk));
    socket.once('error', (error) => this.#fail(error));
    socket.once('close', () => this.#fail(new Error('Connection terminated unexpectedly')));
    this.#connection.query(startReplication(options));
    // The library that owns the connection waits for this event of the driver, whose reader is gone.
    this.#connection.emit('replicationStart');
  }

  #read(chunk: Buffer): void {
    if (this.#stopping) return;
    const restMs = this.#pacing.restMs(chunk.length, performance.now());
    try {
      this.#reader.push(chunk, this.#pacing.isBusy);
    } catch (error) {
      this.#fail(error);
      return;
    }
    if (this.#reader.isPaused) return;
    if (restMs > 0) this.#takeRest(restMs);
  }

  #takeRest(restMs: number): void {
    this.#connection.stream.pause();
    this.#rest = setTimeout(() => {
      if (!this.#reader.isPaused) this.#connection.stream.resume();
    }, restMs);
  }

  #fail(error: unknown): void {
    if (this.#stopping) return;
    this.#stopping = true;
    clearTimeout(this.#rest);
    this.#connection.stream.destroy();
    this.#settle(toMirrorError(error, { role: 'source' }));
  }
}

/** The command that starts a stream of pgoutput: protocol 1 (whole transactions, in commit order), text, with logical messages. */
export function startReplication(options: StreamOptions): string {
  const publications = options.publicationNames.map(quoteIdentifier).join(',');
  const plugin = [
    `proto_version '1'`,
    `publication_names ${quoteLiteral(publications)}`,
    `messages 'true'`,
  ].join(', ');
  return `START_REPLICATION SLOT ${quoteIdentifier(options.slotName)} LOGICAL ${formatLsn(options.startLsn)} (${plugin})`;
}

/** The driver's connection of a client. */
export function connectionOf(client: pg.Client): DriverConnection {
  return (client as unknown as { readonly connection: DriverConnection }).connection;
}

/** The server ends a stream by itself only when it stops. */
export function serverDone(): MirrorError {
  return new MirrorError('server_shutting_down', 'the source ended the replication stream');
}

const STOP_DEADLINE_MS = 2_000;
