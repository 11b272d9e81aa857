import { setTimeout as sleep } from 'node:timers/promises';
import { ensureControlStreams } from './control-streams.js';
import type { Messaging } from './messaging.js';
import { isMissingResource, toMessagingError } from './nats-failure.js';

const ATTEMPT_TIMEOUT_MS = 5_000;
const RETRY_WAIT_MS = 200;
const RETRY_WAIT_MAX_MS = 2_000;
const DEADLINE_MS = 30_000;

export interface StoredPublishOptions {
  readonly signal?: AbortSignal;
  /** How long to try; 30 seconds by default. */
  readonly deadlineMs?: number;
}

export interface StoredPublishResult {
  readonly streamSeq: number;
  /** The stream has a message with this id from the last two minutes; nothing was stored anew. */
  readonly duplicate: boolean;
}

/**
 * Publishes to a control stream until it is acknowledged. The id makes a repeated attempt harmless. A stream that is gone is made again.
 *
 * @throws MirrorError at the deadline or when the signal ends the wait.
 */
export async function publishStored(
  messaging: Messaging,
  subject: string,
  id: string,
  body: unknown,
  options: StoredPublishOptions = {},
): Promise<StoredPublishResult> {
  const payload = JSON.stringify(body);
  const giveUpAt = Date.now() + (options.deadlineMs ?? DEADLINE_MS);
  for (let waitMs = RETRY_WAIT_MS; ; waitMs = Math.min(waitMs * 2, RETRY_WAIT_MAX_MS)) {
    try {
      const ack = await messaging.js.publish(subject, payload, {
        msgID: id,
        timeout: ATTEMPT_TIMEOUT_MS,
      });
      return { streamSeq: ack.seq, duplicate: ack.duplicate };
    } catch (error) {
      const failure = toMessagingError(error, { subject });
      const closed = messaging.nc.isClosed() || messaging.nc.isDraining();
      if (closed || options.signal?.aborted === true || Date.now() + waitMs > giveUpAt) {
        throw failure;
      }
      await remakeStreams(messaging, error);
    }
    await sleep(waitMs, undefined, { signal: options.signal }).catch(() => undefined);
  }
}

/** A missing stream shows as "no responders" to a publisher; making the streams is cheap and safe, so it is tried. */
async function remakeStreams(messaging: Messaging, error: unknown): Promise<void> {
  const failure = toMessagingError(error);
  const unanswered = failure.message === 'no service answers on this subject';
  if (messaging.connected && (isMissingResource(error) || unanswered)) {
    await ensureControlStreams(messaging, { deadlineMs: 0 }).catch(() => undefined);
  }
}
