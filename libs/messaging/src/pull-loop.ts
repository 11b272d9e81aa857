import {
  AckPolicy,
  DeliverPolicy,
  ReplayPolicy,
  type Consumer,
  type ConsumerConfig,
  type ConsumerMessages,
  type JsMsg,
} from '@nats-io/jetstream';
import { nanos } from '@nats-io/transport-node';
import { ensureControlStreams } from './control-streams.js';
import type { Messaging, Stop } from './messaging.js';
import { isMissingResource, isOtherConsumer, toMessagingError } from './nats-failure.js';
import { waitForRetry, waitUntilConnected } from './wait-for-retry.js';

const FETCH_EXPIRES_MS = 30_000;
const IDLE_HEARTBEAT_MS = 10_000;
const RETRY_WAIT_MS = 250;
const RETRY_WAIT_MAX_MS = 5_000;
const ACK_PENDING_MAX = 1_000;
/** Also how long a command waits when the worker that had it was killed. */
const ACK_WAIT_MS = 6_000;
export const WORKING_INTERVAL_MS = ACK_WAIT_MS / 3;

/**
 * Opens a watch over a loop, which then says when it turns; `isWaiting` tells that it waits for NATS or for its handlers, so that its
 * silence means nothing.
 */
export type LoopWatch = (isWaiting: () => boolean) => { beat(): void; end(): void };

export interface PullLoopOptions {
  readonly messaging: Messaging;
  readonly stream: string;
  readonly durable: string;
  readonly filter: string;
  /** How many messages are worked on at a time; 1 keeps their order, also where several processes pull from the one durable consumer. */
  readonly concurrency: number;
  /** Settles the message (ack, nak or term) before it returns. */
  readonly handle: (message: JsMsg) => Promise<void>;
  readonly signal: AbortSignal;
  readonly watch?: LoopWatch;
}

/**
 * Pulls messages of a durable consumer and hands them over, never more than `concurrency` at a time, until the signal aborts; then it
 * waits for those in hand. Nothing is prefetched, so no message waits unseen in a process while another is free. A lost
 * connection, stream or consumer is waited out and made again: the loop ends only by the signal.
 */
export async function runPullLoop(options: PullLoopOptions): Promise<void> {
  const { signal, messaging } = options;
  const inHand = new Set<Promise<void>>();
  let waitMs = RETRY_WAIT_MS;
  const pulse = options.watch?.(() => !messaging.connected || inHand.size >= options.concurrency);
  while (!signal.aborted && !messaging.nc.isClosed()) {
    await waitUntilConnected(messaging, signal);
    try {
      const consumer = await ensureConsumer(options);
      waitMs = RETRY_WAIT_MS;
      await pullWhileWell(consumer, options, inHand, () => pulse?.beat());
    } catch (error) {
      if (!signal.aborted) {
        const { kind } = toMessagingError(error);
        messaging.log.warn(
          { stream: options.stream, kind },
          'pulling was interrupted, trying again',
        );
        await recover(options, error);
        await waitForRetry(messaging, waitMs, signal);
        waitMs = Math.min(waitMs * 2, RETRY_WAIT_MAX_MS);
      }
    }
  }
  pulse?.end();
  await Promise.all(inHand);
}

async function pullWhileWell(
  consumer: Consumer,
  options: PullLoopOptions,
  inHand: Set<Promise<void>>,
  onTurn: () => void,
): Promise<void> {
  const { signal } = options;
  while (!signal.aborted) {
    onTurn();
    if (inHand.size >= options.concurrency) {
      await Promise.race(inHand);
      continue;
    }
    const messages = await consumer.fetch({
      max_messages: options.concurrency - inHand.size,
      expires: FETCH_EXPIRES_MS,
      idle_heartbeat: IDLE_HEARTBEAT_MS,
    });
    await takeMessages(messages, options, inHand);
  }
}

async function takeMessages(
  messages: ConsumerMessages,
  options: PullLoopOptions,
  inHand: Set<Promise<void>>,
): Promise<void> {
  const stop = (): void => messages.stop();
  // A request that was open while the connection broke is lost on the server: ask anew at once.
  const forget = options.messaging.onReconnect(stop);
  options.signal.addEventListener('abort', stop, { once: true });
  if (options.signal.aborted) {
    // It aborted while the request was being sent, before anybody listened.
    stop();
  }
  try {
    for await (const message of messages) {
      if (options.signal.aborted) {
        putBack(message);
        continue;
      }
      const work: Promise<void> = options
        .handle(message)
        .catch((error: unknown) => {
          const { kind } = toMessagingError(error);
          options.messaging.log.error({ subject: message.subject, kind }, 'a message was put back');
          putBack(message, RETRY_WAIT_MS);
        })
        .finally(() => inHand.delete(work));
      inHand.add(work);
    }
  } finally {
    forget();
    options.signal.removeEventListener('abort', stop);
  }
}

/**
 * Gives a message back for another delivery. Never throws: over a connection that is closed it comes back by itself when its time to be
 * acknowledged has passed.
 */
export function putBack(message: JsMsg, delayMs?: number): void {
  try {
    message.nak(delayMs);
  } catch {
    // See above.
  }
}

/** Says time and again that a message is still worked on; returns how to end it. */
export function keepWorking(message: JsMsg): Stop {
  const timer = setInterval(() => {
    try {
      message.working();
    } catch {
      // The connection is closed: nobody waits any more.
      clearInterval(timer);
    }
  }, WORKING_INTERVAL_MS);
  return () => clearInterval(timer);
}

async function ensureConsumer(options: PullLoopOptions): Promise<Consumer> {
  const config: Partial<ConsumerConfig> = {
    durable_name: options.durable,
    filter_subject: options.filter,
    ack_policy: AckPolicy.Explicit,
    ack_wait: nanos(ACK_WAIT_MS),
    deliver_policy: DeliverPolicy.All,
    replay_policy: ReplayPolicy.Instant,
    // Never given up: what cannot be done is answered, not dropped.
    max_deliver: -1,
    max_ack_pending: options.concurrency === 1 ? 1 : ACK_PENDING_MAX,
    max_waiting: 512,
    inactive_threshold: 0,
  };
  const { js, jsm } = options.messaging;
  try {
    await jsm.consumers.add(options.stream, config);
  } catch (error) {
    if (!isOtherConsumer(error)) throw error;
    // Another version made it: it becomes as this one needs it.
    await jsm.consumers.update(options.stream, options.durable, config);
  }
  return js.consumers.get(options.stream, options.durable);
}

async function recover(options: PullLoopOptions, error: unknown): Promise<void> {
  if (options.messaging.connected && isMissingResource(error)) {
    await ensureControlStreams(options.messaging, { deadlineMs: 0 }).catch(() => undefined);
  }
}
