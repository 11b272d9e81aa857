/**
 * Buffers for messages. A full-sized one is used again when the server has taken its message, so that a drain does not
 * allocate half a megabyte per message; small ones are left to the garbage collector.
 */
export class BufferPool {
  readonly fullBytes: number;
  readonly #free: Uint8Array[] = [];

  constructor(fullBytes: number) {
    this.fullBytes = fullBytes;
  }

  /** A buffer of at least this size, at most full size: the next power of four of the smallest size. */
  take(bytes: number): Uint8Array {
    let size = SMALLEST_BYTES;
    while (size < bytes) size *= 4;
    if (size < this.fullBytes) return new Uint8Array(size);
    return this.#free.pop() ?? new Uint8Array(this.fullBytes);
  }

  give(buffer: Uint8Array): void {
    if (buffer.length === this.fullBytes && this.#free.length < FREE_BUFFERS_MAX) {
      this.#free.push(buffer);
    }
  }
}

const SMALLEST_BYTES = 2 * 1024;
const FREE_BUFFERS_MAX = 16;
