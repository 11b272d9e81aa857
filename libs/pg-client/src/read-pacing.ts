/**
 * When to rest between two reads of a replication socket.
 *
 * The walsender sends every change by itself. A reader that is always ready gets each one as a packet of its own, which costs the
 * source more than decoding does; one that rests for a millisecond finds many of them together. Resting pays only while
 * much comes in: a caught-up stream is read at once. `docs/adr` and the bench hold the measurements.
 */
export class ReadPacing {
  #windowStartMs = 0;
  #windowBytes = 0;
  #busy = false;

  /** Whether so much comes in that the server surely has more at hand. */
  get isBusy(): boolean {
    return this.#busy;
  }

  /** Tells how long to rest after a read, in milliseconds; 0 for not at all. */
  restMs(readBytes: number, nowMs: number): number {
    const elapsed = nowMs - this.#windowStartMs;
    if (elapsed >= WINDOW_MS) {
      // A gap longer than a window means that nothing came: the stream is caught up.
      this.#busy = elapsed < 4 * WINDOW_MS && this.#windowBytes / elapsed >= BUSY_BYTES_PER_MS;
      this.#windowStartMs = nowMs;
      this.#windowBytes = 0;
    }
    this.#windowBytes += readBytes;
    // A full read means that more is waiting already: resting would gain nothing.
    return this.#busy && readBytes < FULL_READ_BYTES ? REST_MS : 0;
  }
}

const WINDOW_MS = 20;
const BUSY_BYTES_PER_MS = 4 * 1024;
const FULL_READ_BYTES = 60 * 1024;
const REST_MS = 1;
