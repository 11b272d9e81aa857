import { MirrorError } from '@bunnydb/failure';

/** Where a scanner hands what it has told apart; both get slices of the socket's own chunks. */
export interface FrameSink {
  /** A run of CopyData and CopyDone frames, which look the same in both directions of the protocol; `frames` of them start in it. */
  onCopy(bytes: Buffer, frames: number): void;
  /** Anything else the server said: responses, notices, errors. */
  onOther(bytes: Buffer): void;
}

/**
 * Tells the frames of a COPY TO STDOUT apart from the server's other messages, by their five-byte headers only. Neighbouring
 * frames of one sort stay one slice, so a socket chunk full of rows is handed on whole and no row is looked at.
 */
export class CopyFrameScanner {
  /** The start of a header whose rest has not come yet; always shorter than a header. */
  #tail: Buffer = EMPTY;
  #bodyBytesLeft = 0;
  #inCopy = false;
  /** Frames that start in the run being collected; PostgreSQL sends a row in a frame. */
  #frames = 0;

  /** Whether what was handed to `onCopy` so far ends with a whole frame. */
  get isAtCopyBorder(): boolean {
    return !this.#inCopy || this.#bodyBytesLeft === 0;
  }

  /** Bytes held back because a header is incomplete; cleared by the call. */
  takeTail(): Buffer {
    const tail = this.#tail;
    this.#tail = EMPTY;
    return tail;
  }

  /** @throws MirrorError `protocol_violation` when a header is impossible. */
  scan(chunk: Buffer, sink: FrameSink): void {
    const bytes = this.#tail.length > 0 ? Buffer.concat([this.#tail, chunk]) : chunk;
    this.#tail = EMPTY;
    let at = 0;
    let runStart = 0;
    while (at < bytes.length) {
      if (this.#bodyBytesLeft > 0) {
        const taken = Math.min(this.#bodyBytesLeft, bytes.length - at);
        at += taken;
        this.#bodyBytesLeft -= taken;
        continue;
      }
      if (bytes.length - at < HEADER_BYTES) break;
      const type = bytes[at];
      const isCopy = type === COPY_DATA || type === COPY_DONE;
      if (isCopy !== this.#inCopy) {
        this.#emit(bytes, runStart, at, sink);
        runStart = at;
        this.#inCopy = isCopy;
      }
      this.#frames += 1;
      this.#bodyBytesLeft = bodyLength(bytes, at);
      at += HEADER_BYTES;
    }
    this.#emit(bytes, runStart, at, sink);
    // Copied, since the socket may use the chunk's memory again.
    if (at < bytes.length) this.#tail = Buffer.from(bytes.subarray(at));
  }

  #emit(bytes: Buffer, from: number, to: number, sink: FrameSink): void {
    if (from === to) return;
    const run = bytes.subarray(from, to);
    if (this.#inCopy) sink.onCopy(run, this.#frames);
    else sink.onOther(run);
    this.#frames = 0;
  }
}

const EMPTY = Buffer.alloc(0);
const HEADER_BYTES = 5;
const COPY_DATA = 0x64;
const COPY_DONE = 0x63;
/** A field is at most 1 GB and a row at most that; anything longer is not PostgreSQL speaking. */
const BODY_BYTES_MAX = 0x7fffffff;

function bodyLength(bytes: Buffer, at: number): number {
  // The length counts itself (4 bytes) but not the type.
  const length = bytes.readUInt32BE(at + 1) - 4;
  if (length < 0 || length > BODY_BYTES_MAX) {
    throw new MirrorError(
      'protocol_violation',
      'the source sent a message of an impossible length',
    );
  }
  return length;
}
