import { setTimeout as sleep } from 'node:timers/promises';
import type { Messaging } from './messaging.js';

/** Waits before another try: no longer than `waitMs`, and only until the connection is back or the signal aborts. Never throws. */
export async function waitForRetry(
  messaging: Messaging,
  waitMs: number,
  signal?: AbortSignal,
): Promise<void> {
  const over = new AbortController();
  const end = (): void => over.abort();
  const forget = messaging.onReconnect(end);
  signal?.addEventListener('abort', end, { once: true });
  if (signal?.aborted !== true) {
    await sleep(waitMs, undefined, { signal: over.signal }).catch(() => undefined);
  }
  signal?.removeEventListener('abort', end);
  forget();
}
