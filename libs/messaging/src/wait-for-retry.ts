import { setTimeout as sleep } from 'node:timers/promises';
import type { Messaging } from './messaging.js';

/** A reconnect ends the wait at once; this only bounds what a missed one could cost. */
const CONNECTED_CHECK_MS = 1_000;

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

/** Waits for the connection, without a limit; ends at once when it is there, closed for good, or the signal aborts. Never throws. */
export async function waitUntilConnected(
  messaging: Messaging,
  signal?: AbortSignal,
): Promise<void> {
  while (!messaging.connected && !messaging.nc.isClosed() && signal?.aborted !== true) {
    await waitForRetry(messaging, CONNECTED_CHECK_MS, signal);
  }
}
