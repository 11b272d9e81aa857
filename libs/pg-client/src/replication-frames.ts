import { type Lsn, lsnFromBigInt } from '@bunnydb/pg-model';

/** Who is told what a replication stream brings. Bytes are valid only during the call. */
export interface ReplicationHandler {
  /** One whole message of the output plugin. */
  message(bytes: Buffer, start: number, end: number): void;
  /**
   * The start of a message that is too large to be kept whole; at least `LARGE_HEAD_BYTES_MIN` of it are there.
   * Answers where the pieces are to begin.
   */
  largeStart(bytes: Buffer, start: number): number;
  largePiece(bytes: Buffer, start: number, end: number): void;
  largeEnd(): void;
  /** @param walEnd everything before it has been sent. */
  keepalive(walEnd: Lsn, replyRequested: boolean): void;
  /**
   * All that one read brought has been handed over.
   *
   * @param moreIsComing the server is known to have more at hand than was read.
   */
  drained(moreIsComing: boolean): void;
}

/** What else the server can say while it streams. */
export interface ReplicationControl {
  /** The server has begun to stream. */
  serverStarted(): void;
  serverError(body: Buffer): void;
  /** The server has ended the stream. */
  serverDone(): void;
}

export interface FrameReaderOptions {
  readonly handler: ReplicationHandler;
  readonly control: ReplicationControl;
  /** A frame above this size is handed over in pieces. */
  readonly largeFrameBytes?: number;
}

/**
 * Reads the server's frames from chunks of a socket. A frame that lies in one chunk, as nearly all do, is handed over where
 * it lies; one that spans chunks is put together first, unless it is large: then it is handed over in pieces, so that memory does
 * not depend on the size of a value.
 */
export class ReplicationFrameReader {
  readonly #handler: ReplicationHandler;
  readonly #control: ReplicationControl;
  readonly #largeFrameBytes: number;
  /** The beginning of a frame whose end has not come yet. */
  #partial: Buffer = Buffer.allocUnsafe(PARTIAL_BYTES);
  #partialLength = 0;
  #largeLeft = 0;
  #rest: Buffer | undefined;
  #paused = false;
  #moreIsComing = false;

  constructor(options: FrameReaderOptions) {
    this.#handler = options.handler;
    this.#control = options.control;
    this.#largeFrameBytes = options.largeFrameBytes ?? LARGE_FRAME_BYTES;
  }

  get isPaused(): boolean {
    return this.#paused;
  }

  /** @param moreIsComing see `drained`. */
  push(chunk: Buffer, moreIsComing = false): void {
    this.#moreIsComing = moreIsComing;
    const bytes = this.#rest ? Buffer.concat([this.#rest, chunk]) : chunk;
    this.#rest = undefined;
    this.#read(bytes);
  }

  /** Stops after the frame that is being handed over; what has been read already is kept. */
  pause(): void {
    this.#paused = true;
  }

  /** Goes on; true if everything that was kept has been handed over without a new pause. */
  resume(): boolean {
    this.#paused = false;
    const rest = this.#rest;
    if (rest) {
      this.#rest = undefined;
      this.#read(rest);
    }
    return !this.#paused;
  }

  #read(bytes: Buffer): void {
    const end = bytes.length;
    let at = this.#paused ? 0 : this.#continue(bytes, 0);
    while (!this.#paused && at + FRAME_HEAD_BYTES <= end) {
      const frameEnd = at + 1 + bytes.readUInt32BE(at + 1);
      if (frameEnd > end) break;
      this.#frame(bytes, at, frameEnd);
      at = frameEnd;
    }
    if (at < end) this.#keep(bytes, at);
    if (!this.#paused) this.#handler.drained(this.#moreIsComing);
  }

  #keep(bytes: Buffer, at: number): void {
    if (this.#paused) {
      this.#rest = bytes.subarray(at);
      return;
    }
    this.#append(bytes, at, bytes.length);
    this.#startLarge();
  }

  /** Goes on with a frame of which a part came before; answers where the next frame begins. */
  #continue(bytes: Buffer, start: number): number {
    let at = start;
    if (this.#partialLength > 0) {
      at = this.#fillPartial(bytes, at, FRAME_HEAD_BYTES);
      if (this.#partialLength < FRAME_HEAD_BYTES) return at;
      const size = 1 + this.#partial.readUInt32BE(1);
      at = this.#fillPartial(bytes, at, Math.min(size, this.#wholeBytes(size)));
      if (this.#partialLength === size) {
        this.#partialLength = 0;
        this.#frame(this.#partial, 0, size);
        return at;
      }
      this.#startLarge();
    }
    return this.#largeLeft > 0 && !this.#paused ? this.#continueLarge(bytes, at) : at;
  }

  /** How much of a frame is put together: all of it, or of a large one what its start needs. */
  #wholeBytes(size: number): number {
    return size > this.#largeFrameBytes ? LARGE_START_BYTES : size;
  }

  #fillPartial(bytes: Buffer, at: number, until: number): number {
    const take = Math.max(0, Math.min(until - this.#partialLength, bytes.length - at));
    this.#append(bytes, at, at + take);
    return at + take;
  }

  #append(bytes: Buffer, start: number, end: number): void {
    const length = this.#partialLength + end - start;
    if (length > this.#partial.length) {
      const grown = Buffer.allocUnsafe(length * 2);
      this.#partial.copy(grown, 0, 0, this.#partialLength);
      this.#partial = grown;
    }
    bytes.copy(this.#partial, this.#partialLength, start, end);
    this.#partialLength = length;
  }

  /** Starts to hand over the frame in `#partial` if it is large and enough of it is there. */
  #startLarge(): void {
    if (this.#partialLength < LARGE_START_BYTES) return;
    const size = 1 + this.#partial.readUInt32BE(1);
    if (size <= this.#largeFrameBytes || this.#partial[FRAME_HEAD_BYTES] !== XLOG_DATA) return;
    const length = this.#partialLength;
    this.#partialLength = 0;
    this.#largeLeft = size - length;
    const from = this.#handler.largeStart(this.#partial, XLOG_MESSAGE_AT);
    this.#handler.largePiece(this.#partial, from, length);
  }

  #continueLarge(bytes: Buffer, at: number): number {
    const until = Math.min(bytes.length, at + this.#largeLeft);
    this.#largeLeft -= until - at;
    this.#handler.largePiece(bytes, at, until);
    if (this.#largeLeft === 0) this.#handler.largeEnd();
    return until;
  }

  #frame(bytes: Buffer, at: number, end: number): void {
    switch (bytes[at]) {
      case COPY_DATA:
        this.#copyData(bytes, at + FRAME_HEAD_BYTES, end);
        return;
      case ERROR_RESPONSE:
        this.#control.serverError(bytes.subarray(at + FRAME_HEAD_BYTES, end));
        return;
      case COPY_DONE:
      case COMMAND_COMPLETE:
        this.#control.serverDone();
        return;
      case COPY_BOTH_RESPONSE:
        this.#control.serverStarted();
        return;
      default:
        // A notice or a changed setting: nothing to do.
        return;
    }
  }

  #copyData(bytes: Buffer, at: number, end: number): void {
    if (bytes[at] === XLOG_DATA) {
      this.#handler.message(bytes, at + XLOG_HEAD_BYTES, end);
    } else if (bytes[at] === KEEPALIVE) {
      this.#handler.keepalive(lsnFromBigInt(bytes.readBigUInt64BE(at + 1)), bytes[at + 17] === 1);
    }
  }
}

const COPY_BOTH_RESPONSE = 0x57;
const COPY_DATA = 0x64;
const COPY_DONE = 0x63;
const COMMAND_COMPLETE = 0x43;
const ERROR_RESPONSE = 0x45;
const XLOG_DATA = 0x77;
const KEEPALIVE = 0x6b;
/** The kind and the length of a frame. */
const FRAME_HEAD_BYTES = 5;
/** The letter, two LSNs and a time before a message of the output plugin. */
const XLOG_HEAD_BYTES = 25;
const XLOG_MESSAGE_AT = FRAME_HEAD_BYTES + XLOG_HEAD_BYTES;
/** How much of a large message is there when it is started. */
export const LARGE_HEAD_BYTES_MIN = 16;
const LARGE_START_BYTES = XLOG_MESSAGE_AT + LARGE_HEAD_BYTES_MIN;
const LARGE_FRAME_BYTES = 1024 * 1024;
const PARTIAL_BYTES = 64 * 1024;
