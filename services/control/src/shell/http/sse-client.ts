import { once } from 'node:events';
import type { Response } from 'express';

const KEEP_ALIVE_EVERY_MS = 15_000;

/** One client of server-sent events. Nothing is buffered for it beyond its socket. */
export class SseClient {
  readonly #response: Response;
  readonly #left: AbortSignal;
  readonly #patienceMs: number | undefined;
  #lastSentAt = Date.now();

  /** @param patienceMs how long a client may not read; without it, it is waited for. */
  constructor(response: Response, left: AbortSignal, patienceMs?: number) {
    this.#response = response;
    this.#left = left;
    this.#patienceMs = patienceMs;
    response.writeHead(200, {
      'Content-Type': 'text/event-stream; charset=utf-8',
      'Cache-Control': 'no-store',
      'X-Accel-Buffering': 'no',
    });
    response.flushHeaders();
  }

  /** @throws the abort's reason when the client is gone. */
  async send(text: string): Promise<void> {
    this.#left.throwIfAborted();
    this.#lastSentAt = Date.now();
    if (this.#response.write(text)) return;
    // Who does not read in time is let go; a browser comes back by itself.
    const timer =
      this.#patienceMs === undefined
        ? undefined
        : setTimeout(() => this.#response.destroy(), this.#patienceMs);
    try {
      await once(this.#response, 'drain', { signal: this.#left });
    } finally {
      clearTimeout(timer);
    }
  }

  /** Says something when nothing was said for a while. */
  async keepAlive(): Promise<void> {
    if (Date.now() - this.#lastSentAt > KEEP_ALIVE_EVERY_MS) await this.send(': still here\n\n');
  }
}
