/**
 * Joins a `COPY … TO STDOUT` of one session to a `COPY … FROM STDIN` of another, as raw socket chunks.
 *
 * CopyData and CopyDone frames look the same in both directions of PostgreSQL's protocol, so what the source sends is written to
 * the destination as it is; only the five-byte frame headers are read, to know where the rows end and the server's other
 * messages (CommandComplete, ErrorResponse, notices) begin. Those go to `pg`'s own parser, which is cut off from
 * the socket meanwhile.
 *
 *     source      …CopyData CopyData CopyDone | CommandComplete ReadyForQuery
 *                 └────── to destination ─────┘ └────── to pg's parser ──────┘
 *
 * Order: the destination enters COPY first (nothing is lost if it refuses), then the source starts. A full destination socket pauses the
 * source's. What could go wrong: the source fails between frames → the destination gets CopyFail; the source dies inside a frame, the
 * destination fails, or the caller aborts → the sessions still at work are killed. After a failure both sessions are to be closed by the
 * caller; neither is fit for another statement. Nothing is committed here: that is the caller's, after both sides have said the same count.
 */
import { MirrorError } from '@bunnydb/failure';
import type { Client, Connection, Submittable } from 'pg';
import { CopyFrameScanner } from './copy-splice-frames.js';
import { killSession, rawSessionOf } from './copy-splice-socket.js';
import { toMirrorError } from './mirror-error.js';
import type { ServerRole } from './server-role.js';

export interface SpliceOptions {
  readonly source: Client;
  readonly destination: Client;
  /** `copy (select …) to stdout …`. */
  readonly copyOut: string;
  /** `copy … from stdin …`, in the same format. */
  readonly copyIn: string;
  readonly signal?: AbortSignal;
  /** Called for every chunk that was handed to the destination; `frames` is about the number of rows that start in it. */
  readonly onBytes?: (bytes: number, frames: number) => void;
}

export interface SpliceResult {
  /** As the destination counted them. */
  readonly rows: number;
  /** Bytes of COPY frames passed through. */
  readonly bytes: number;
}

/** @throws MirrorError of the side that failed first, or the signal's reason. */
export async function spliceCopy(options: SpliceOptions): Promise<SpliceResult> {
  options.signal?.throwIfAborted();
  return await new Splice(options).run();
}

class Splice {
  readonly #options: SpliceOptions;
  readonly #scanner = new CopyFrameScanner();
  readonly #copyIn: CopyStatement;
  readonly #copyOut: CopyStatement;
  #bytes = 0;
  #isOver = false;
  #fail: (error: unknown) => void = () => undefined;

  constructor(options: SpliceOptions) {
    this.#options = options;
    this.#copyIn = new CopyStatement(options.copyIn);
    this.#copyOut = new CopyStatement(options.copyOut);
  }

  async run(): Promise<SpliceResult> {
    const { source, destination, signal } = this.#options;
    const failed = new Promise<never>((_, reject) => {
      this.#fail = reject;
    });
    // The failure may come while nobody waits for it yet.
    failed.catch(() => undefined);
    const onAbort = (): void => this.#fail(signal?.reason);
    signal?.addEventListener('abort', onAbort, { once: true });
    const noteError = (): void => undefined;
    source.on('error', noteError);
    destination.on('error', noteError);
    try {
      const written = withRole(this.#copyIn.finished, 'destination');
      const read = withRole(this.#copyOut.finished, 'source');
      written.catch(this.#fail);
      read.catch(this.#fail);
      destination.query(this.#copyIn);
      await Promise.race([failed, this.#copyIn.accepted, written]);
      const release = this.#divert(source, destination);
      source.query(this.#copyOut);
      const [rowsWritten, rowsRead] = await Promise.race([failed, Promise.all([written, read])]);
      release();
      if (rowsWritten !== rowsRead) {
        throw new MirrorError(
          'protocol_violation',
          'the two sides of a copy counted different rows',
          {
            detail: { rows_read: rowsRead, rows_written: rowsWritten },
          },
        );
      }
      return { rows: rowsWritten, bytes: this.#bytes };
    } catch (error) {
      this.#stop();
      throw error;
    } finally {
      this.#isOver = true;
      signal?.removeEventListener('abort', onAbort);
      source.off('error', noteError);
      destination.off('error', noteError);
    }
  }

  /** Takes the source's socket away from `pg`; the returned function gives it back. */
  #divert(source: Client, destination: Client): () => void {
    const from = rawSessionOf(source).socket;
    const to = rawSessionOf(destination).socket;
    const parsers = from.listeners('data');
    const toParser = (bytes: Buffer): void => {
      for (const parser of parsers) Reflect.apply(parser, from, [bytes]);
    };
    const onDrain = (): void => {
      from.resume();
    };
    const sink = {
      onCopy: (bytes: Buffer, frames: number): void => {
        this.#bytes += bytes.length;
        if (!to.write(bytes)) from.pause();
        this.#options.onBytes?.(bytes.length, frames);
      },
      onOther: toParser,
    };
    const onData = (chunk: Buffer): void => {
      // After a failure the rest of a frame must not reach the parser; the socket is being closed.
      if (this.#isOver) return;
      try {
        this.#scanner.scan(chunk, sink);
      } catch (error) {
        this.#fail(error);
      }
    };
    from.removeAllListeners('data');
    from.on('data', onData);
    to.on('drain', onDrain);
    return () => {
      to.off('drain', onDrain);
      from.off('data', onData);
      for (const parser of parsers) from.on('data', parser as (bytes: Buffer) => void);
      const tail = this.#scanner.takeTail();
      if (tail.length > 0) toParser(tail);
      from.resume();
    };
  }

  /** Ends what is still at work on both sides. */
  #stop(): void {
    this.#isOver = true;
    const { source, destination } = this.#options;
    if (this.#copyOut.isActive) killSession(source);
    if (!this.#copyIn.isActive) return;
    const { connection, socket } = rawSessionOf(destination);
    // Told properly when possible, so that the server's log says why; inside a frame, or behind bytes that wait, only closing helps.
    if (this.#copyIn.isAccepted && this.#scanner.isAtCopyBorder && socket.writableLength === 0) {
      connection.sendCopyFail('the copy was given up');
      socket.end(() => killSession(destination));
    } else {
      killSession(destination);
    }
  }
}

/** One COPY statement as `pg` runs it: a `Submittable` that tells when COPY mode was entered and what came of it. */
class CopyStatement implements Submittable {
  readonly #text: string;
  /** Resolves when the server waits for data (COPY FROM only). */
  readonly accepted: Promise<void>;
  /** Resolves with the row count when the server is ready again. */
  readonly finished: Promise<number>;
  #accept: () => void = () => undefined;
  #finish: (rows: number) => void = () => undefined;
  #reject: (error: unknown) => void = () => undefined;
  #rows = 0;
  #state: 'new' | 'active' | 'over' = 'new';
  #isAccepted = false;

  constructor(text: string) {
    this.#text = text;
    this.accepted = new Promise((resolve) => {
      this.#accept = resolve;
    });
    this.finished = new Promise((resolve, reject) => {
      this.#finish = resolve;
      this.#reject = reject;
    });
    this.finished.catch(() => undefined);
  }

  get isActive(): boolean {
    return this.#state === 'active';
  }

  get isAccepted(): boolean {
    return this.#isAccepted;
  }

  submit(connection: Connection): void {
    this.#state = 'active';
    connection.query(this.#text);
  }

  handleCopyInResponse(): void {
    this.#isAccepted = true;
    this.#accept();
  }

  handleCommandComplete(message: { readonly text: string }): void {
    this.#rows = Number(/^COPY (\d+)$/.exec(message.text)?.[1] ?? Number.NaN);
  }

  handleReadyForQuery(): void {
    this.#state = 'over';
    this.#finish(this.#rows);
  }

  handleError(error: unknown): void {
    this.#state = 'over';
    this.#reject(error);
  }

  handleCopyData(): void {}
  handleRowDescription(): void {}
  handleDataRow(): void {}
  handleEmptyQuery(): void {}
  handlePortalSuspended(): void {}
}

async function withRole(rows: Promise<number>, role: ServerRole): Promise<number> {
  try {
    return await rows;
  } catch (error) {
    throw toMirrorError(error, { role });
  }
}
