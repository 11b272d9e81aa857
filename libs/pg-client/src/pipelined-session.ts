import type pg from 'pg';
import type { Socket } from 'node:net';
import { socketOf } from './connect-client.js';
import {
  FrameReader,
  FrameWriter,
  affectedRows,
  readDataRow,
  readServerError,
} from './pipelined-session-frames.js';

/** Takes the answers to a command. One sink may serve many commands. */
export interface ReplySink {
  /** What the command is, for whoever reads an error; opaque here. */
  readonly label?: unknown;
  readonly onComplete?: (affectedRows: number) => void;
  readonly onRow?: (values: readonly (string | null)[]) => void;
}

/** How the commands up to one `sync` went. */
export type GroupOutcome =
  | { readonly ok: true }
  /** `sink` is that of the command that failed; what came after it up to the sync was not run. */
  | { readonly ok: false; readonly error: unknown; readonly sink: ReplySink | undefined };

interface Group {
  readonly sinks: ReplySink[];
  readonly parsed: PreparedStatement[];
  nextSink: number;
  nextParsed: number;
  failure: { readonly error: unknown; readonly sink: ReplySink | undefined } | undefined;
  synced: boolean;
  readonly settle: (outcome: GroupOutcome) => void;
  readonly fail: (error: Error) => void;
  readonly outcome: Promise<GroupOutcome>;
}

/** A named statement of one session; prepared at its first use, and again after it was lost in a failed group. */
export class PreparedStatement {
  readonly text: string;
  readonly parameterTypes: readonly number[];
  readonly name: string;
  /** @internal */
  isSent = false;

  constructor(name: string, text: string, parameterTypes: readonly number[]) {
    this.name = name;
    this.text = text;
    this.parameterTypes = parameterTypes;
  }
}

/**
 * A session that writes without waiting for answers.
 *
 * Commands go out as they are called, all in the extended protocol, and form a *group* up to `sync`. The server answers in order. After
 * an error it skips everything up to the group's Sync, COPY data included, so nothing of a group runs behind a failed command: with BEGIN
 * and COMMIT in the group, it is all or nothing. Groups may follow each other before the first is answered. Note what the server
 * does *not* do: it goes on with the next group. If the failure left the transaction open and aborted, the next BEGIN is refused
 * and its group skipped too; but if COMMIT itself failed, the transaction is over and the next group *runs*. Whoever has two
 * groups in flight makes the second depend on the first (the applier's position does).
 *
 * COPY data is sent right behind the command: the server reads it when it gets there. Sync never stands between COPY data and its end,
 * since the server would ignore it in COPY mode and heed it after an error.
 *
 * Memory: the socket's queue is the only unbounded buffer; call `drained` while writing.
 */
export class PipelinedSession {
  readonly #client: pg.Client;
  readonly #socket: Socket;
  readonly #writer: FrameWriter;
  readonly #groups: Group[] = [];
  #lost: Error | undefined;
  #fatal: Error | undefined;
  #nextName = 1;
  #isCopying = false;
  #onLost: (() => void) | undefined;

  /** Takes a connected client over; the client must not be used for anything afterwards. */
  static takeOver(client: pg.Client): PipelinedSession {
    return new PipelinedSession(client);
  }

  private constructor(client: pg.Client) {
    this.#client = client;
    this.#socket = socketOf(client);
    this.#writer = new FrameWriter((bytes, onWritten) => {
      if (!this.#lost) this.#socket.write(bytes, onWritten);
    });
    const reader = new FrameReader((letter, body) => this.#handleFrame(letter, body));
    this.#socket.removeAllListeners('data');
    this.#socket.on('data', (chunk: Buffer) => reader.push(chunk));
    this.#socket.on('error', (error) => this.#lose(error));
    this.#socket.on('close', () => this.#lose(new Error('Connection terminated unexpectedly')));
    if (this.#socket.destroyed) this.#lose(new Error('Connection terminated unexpectedly'));
  }

  /** Whether the group that is being written is known to have failed, so that the rest need not be written. */
  get hasFailed(): boolean {
    return this.#lost !== undefined || this.#groups.at(-1)?.failure !== undefined;
  }

  /** Whether the server has not answered everything yet. */
  get isOwedAnswer(): boolean {
    return this.#groups.length > 0;
  }

  get isLost(): boolean {
    return this.#lost !== undefined;
  }

  /** A statement for repeated use. Nothing is sent before its first use. */
  prepare(text: string, parameterTypes: readonly number[] = []): PreparedStatement {
    return new PreparedStatement(`b${this.#nextName++}`, text, parameterTypes);
  }

  execute(
    statement: PreparedStatement,
    parameters: readonly (Uint8Array | null)[],
    sink: ReplySink = {},
  ): void {
    const group = this.#openGroup();
    if (!statement.isSent) {
      this.#writer.parse(statement.name, statement.text, statement.parameterTypes);
      // Behind a known failure the server skips it.
      statement.isSent = group.failure === undefined;
      group.parsed.push(statement);
    }
    group.sinks.push(sink);
    this.#writer.bind(statement.name, parameters);
    this.#writer.execute();
  }

  /** Runs a command once, without keeping it; planned anew each time. */
  run(text: string, sink: ReplySink = {}): void {
    const group = this.#openGroup();
    group.sinks.push(sink);
    group.parsed.push(UNNAMED);
    this.#writer.parse('', text, []);
    this.#writer.bind('', []);
    this.#writer.execute();
  }

  /** Starts a `COPY … FROM STDIN`; `copyData` and `endCopy` follow. The sink learns the number of rows. */
  beginCopy(text: string, sink: ReplySink = {}): void {
    this.run(text, sink);
    this.#isCopying = true;
  }

  /** A piece of COPY data, cut anywhere. The bytes must not change until the group is answered. */
  copyData(data: Uint8Array): void {
    this.#writer.copyData(data);
  }

  /** COPY data that is made in the session's own buffer: `fill` writes from `start` to `end` at most and returns where it stopped. */
  copyFilled(fill: (buffer: Uint8Array, start: number, end: number) => number): void {
    this.#writer.copyFilled(fill);
  }

  endCopy(): void {
    this.#isCopying = false;
    this.#writer.copyDone();
  }

  /** Forgets a named statement. */
  forget(statement: PreparedStatement): void {
    if (!statement.isSent) return;
    statement.isSent = false;
    this.#openGroup();
    this.#writer.closeStatement(statement.name);
  }

  /**
   * Ends the group and sends it. A COPY that was not ended is broken off, and the group with it. Rejects only when the
   * connection is lost; a refused command is an outcome.
   */
  sync(): Promise<GroupOutcome> {
    const group = this.#openGroup();
    if (this.#isCopying) this.#writer.copyFail();
    this.#isCopying = false;
    group.synced = true;
    this.#writer.sync();
    this.#writer.flush();
    return group.outcome;
  }

  /** Waits until the socket's queue is short again; what is collected for it stays until there is enough, or until `sync`. */
  async drained(): Promise<void> {
    if (this.#lost || this.#socket.writableLength <= QUEUE_BYTES_MAX) return;
    await new Promise<void>((resolve) => {
      const done = (): void => {
        this.#socket.off('drain', done);
        this.#onLost = undefined;
        resolve();
      };
      this.#onLost = done;
      this.#socket.on('drain', done);
    });
  }

  /** Says good-bye and closes; an open transaction is rolled back by the server. */
  async close(): Promise<void> {
    if (this.#lost) return;
    this.#writer.terminate();
    this.#writer.flush();
    const closed = new Promise<void>((resolve) => this.#socket.once('close', () => resolve()));
    this.#socket.end();
    const timer = setTimeout(() => this.#socket.destroy(), CLOSE_DEADLINE_MS);
    await closed;
    clearTimeout(timer);
  }

  /** Cuts the connection. */
  destroy(): void {
    this.#lose(new Error('connection was aborted'));
    this.#socket.destroy();
  }

  #openGroup(): Group {
    const last = this.#groups.at(-1);
    if (last && !last.synced) return last;
    let settle: Group['settle'] = () => undefined;
    let fail: Group['fail'] = () => undefined;
    const outcome = new Promise<GroupOutcome>((resolve, reject) => {
      settle = resolve;
      fail = reject;
    });
    // A loss is told to whoever awaits the outcome; nobody may be awaiting it yet.
    outcome.catch(() => undefined);
    const group: Group = {
      sinks: [],
      parsed: [],
      nextSink: 0,
      nextParsed: 0,
      failure: undefined,
      synced: false,
      settle,
      fail,
      outcome,
    };
    if (this.#lost) fail(this.#lost);
    else this.#groups.push(group);
    return group;
  }

  #handleFrame(letter: number, body: Buffer): void {
    const group = this.#groups[0];
    switch (letter) {
      case LETTER_1:
        if (group) group.nextParsed += 1;
        return;
      case LETTER_C:
      case LETTER_I:
        if (group) this.#handleComplete(group, letter === LETTER_C ? affectedRows(body) : 0);
        return;
      case LETTER_D:
        group?.sinks[group.nextSink]?.onRow?.(readDataRow(body));
        return;
      case LETTER_E:
        this.#handleError(group, body);
        return;
      case LETTER_Z:
        this.#handleReady();
        return;
      default:
        // BindComplete, CloseComplete, CopyInResponse, notices and parameter reports need nothing.
        return;
    }
  }

  #handleComplete(group: Group, rows: number): void {
    group.sinks[group.nextSink++]?.onComplete?.(rows);
    // A group may hold millions of commands, so that what is answered is let go of now and then.
    if (group.nextSink >= ANSWERED_SINKS_MAX) {
      group.sinks.splice(0, group.nextSink);
      group.nextSink = 0;
    }
  }

  #handleError(group: Group | undefined, body: Buffer): void {
    const error = readServerError(body);
    // After a fatal error the server closes; this says why, better than "connection terminated".
    if (error.severity === 'FATAL' || error.severity === 'PANIC') this.#fatal = error;
    if (!group || group.failure) return;
    group.failure = { error, sink: group.sinks[group.nextSink] };
    for (const statement of group.parsed.slice(group.nextParsed)) statement.isSent = false;
  }

  #handleReady(): void {
    const group = this.#groups.shift();
    group?.settle(group.failure ? { ok: false, ...group.failure } : { ok: true });
  }

  #lose(error: Error): void {
    if (this.#lost) return;
    this.#lost = this.#fatal ?? error;
    for (const group of this.#groups.splice(0)) group.fail(this.#lost);
    this.#onLost?.();
    // The client's own bookkeeping: it never sees the end of what it did not start.
    this.#client.removeAllListeners('end');
  }
}

/** Stands for the unnamed statement in the list of what was parsed. */
const UNNAMED = new PreparedStatement('', '', []);

const QUEUE_BYTES_MAX = 1024 * 1024;
const ANSWERED_SINKS_MAX = 4096;
const CLOSE_DEADLINE_MS = 2_000;

const LETTER_1 = 0x31;
const LETTER_C = 0x43;
const LETTER_D = 0x44;
const LETTER_E = 0x45;
const LETTER_I = 0x49;
const LETTER_Z = 0x5a;
