import type { LogicalReplicationService } from 'pg-logical-replication';
import { parseLsn } from '@bunnydb/pg-model';
import type pg from 'pg';
import { toMirrorError } from './mirror-error.js';
import {
  type ReplicationStream,
  type StreamOptions,
  connectionOf,
  serverDone,
  startReplication,
} from './replication-stream.js';
import { type StandbyStatus, encodeStandbyStatus } from './standby-status.js';

/**
 * The same stream, read by pg-logical-replication and the driver: an event per change and every message whole in memory. It is
 * the plain reading of the protocol that the lean reader is compared with.
 */
export class LibraryReplicationStream implements ReplicationStream {
  readonly ended: Promise<void>;
  readonly #client: pg.Client;
  readonly #close: () => Promise<void>;
  #stopping = false;

  constructor(
    client: pg.Client,
    service: LogicalReplicationService,
    options: StreamOptions,
    close: () => Promise<void>,
  ) {
    this.#client = client;
    this.#close = close;
    const { handler } = options;
    service.on('data', (_lsn: string, bytes: Buffer) => {
      handler.message(bytes, 0, bytes.length);
      handler.drained(false);
    });
    service.on('heartbeat', (lsn, _time, shouldRespond) => {
      handler.keepalive(parseLsn(lsn), shouldRespond);
      handler.drained(false);
    });
    service.on('start', () => options.onStarted?.());
    this.ended = client.query(startReplication(options)).then(
      () => this.#end(serverDone()),
      (error: unknown) => this.#end(error),
    );
    this.ended.catch(() => undefined);
  }

  pause(): void {
    connectionOf(this.#client).stream.pause();
  }

  resume(): void {
    connectionOf(this.#client).stream.resume();
  }

  sendStatus(status: StandbyStatus): void {
    if (this.#stopping) return;
    connectionOf(this.#client).sendCopyFromChunk(encodeStandbyStatus(status, Date.now()));
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    this.resume();
    await this.#close();
  }

  #end(error: unknown): void {
    if (!this.#stopping) throw toMirrorError(error, { role: 'source' });
  }
}
