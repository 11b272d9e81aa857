import { MirrorError } from '@bunnydb/failure';
import type { MsgHdrs } from '@nats-io/transport-node';
import { ensureControlStreams } from './control-streams.js';
import type { Messaging } from './messaging.js';
import { traceHeaders } from './trace-headers.js';
import { waitForRetry } from './wait-for-retry.js';
import { isMissingResource, isUnanswered, toMessagingError } from './nats-failure.js';

const ATTEMPT_TIMEOUT_MS = 2_000;
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
  const traced = traceHeaders();
  const giveUpAt = Date.now() + (options.deadlineMs ?? DEADLINE_MS);
  for (let waitMs = RETRY_WAIT_MS; ; waitMs = Math.min(waitMs * 2, RETRY_WAIT_MAX_MS)) {
    try {
      return await publishOnce(messaging, subject, id, payload, traced);
    } catch (error) {
      const closed = messaging.nc.isClosed() || messaging.nc.isDraining();
      if (closed || options.signal?.aborted === true || Date.now() + waitMs > giveUpAt) {
        throw toMessagingError(error, { subject });
      }
      // Making the streams is cheap and safe, so it is tried when they might be gone.
      if (messaging.connected && (isMissingResource(error) || isUnanswered(error))) {
        await ensureControlStreams(messaging, { deadlineMs: 0 }).catch(() => undefined);
      }
    }
    await waitForRetry(messaging, waitMs, options.signal);
  }
}

async function publishOnce(
  messaging: Messaging,
  subject: string,
  id: string,
  payload: string,
  traced: MsgHdrs | undefined,
): Promise<StoredPublishResult> {
  if (!messaging.connected) {
    // The client would keep it in memory and time out; whoever waits for the reconnect is quicker.
    throw new MirrorError('messaging_unavailable', 'the connection to NATS is lost');
  }
  const ack = await messaging.js.publish(subject, payload, {
    msgID: id,
    ...(traced === undefined ? {} : { headers: traced }),
    timeout: ATTEMPT_TIMEOUT_MS,
  });
  return { streamSeq: ack.seq, duplicate: ack.duplicate };
}
