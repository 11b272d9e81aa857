import { closeSync, mkdtempSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Spool } from '../core/large-change.js';

/**
 * Large updates laid aside in a file that has no name: it is removed as soon as it is open, so nothing is left behind whatever
 * happens to the process. Reads and writes are synchronous, since they meet the page cache and the row must be whole
 * before anything else is read.
 */
export class FileSpool implements Spool {
  #file: number | undefined;
  #length = 0;
  readonly #buffer = new Uint8Array(READ_BYTES_MAX);

  write(bytes: Uint8Array, start: number, end: number): void {
    this.#file ??= openNameless();
    for (let at = start; at < end;) {
      const written = writeSync(this.#file, bytes, at, end - at, this.#length);
      this.#length += written;
      at += written;
    }
  }

  read(offset: number, bytesMax: number): Uint8Array {
    if (this.#file === undefined) return this.#buffer.subarray(0, 0);
    const wanted = Math.min(bytesMax, READ_BYTES_MAX);
    const read = readSync(this.#file, this.#buffer, 0, wanted, offset);
    return this.#buffer.subarray(0, read);
  }

  /** Gives the disk space back. */
  clear(): void {
    if (this.#file !== undefined) closeSync(this.#file);
    this.#file = undefined;
    this.#length = 0;
  }
}

function openNameless(): number {
  const folder = mkdtempSync(join(tmpdir(), 'bunny-capture-'));
  try {
    return openSync(join(folder, 'spool'), 'wx+', 0o600);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const READ_BYTES_MAX = 128 * 1024;
