import { setTimeout as sleep } from 'node:timers/promises';
import {
  ALL_EVENTS,
  EVENT_STREAM,
  type AnyWorkerEvent,
  isOfNewerVersion,
} from '@bunnydb/contracts';
import { backoffDelayMs, reportOf } from '@bunnydb/failure';
import type { JsMsg } from '@nats-io/jetstream';
import type { Messaging } from './messaging.js';
import { type LoopWatch, keepWorking, putBack, runPullLoop } from './pull-loop.js';
import { TRACE_PARENT, type TracedOptions, contextOf, inSpan } from './trace-context.js';

const NEWER_PAUSE_MS = 5_000;
const RETRY = { firstDelayMs: 200, maxDelayMs: 10_000 };

export interface ConsumeEventsOptions {
  readonly messaging: Messaging;
  /** Name of the durable consumer: its place in the stream outlives the process. */
  readonly durable: string;
  /** Records an event; may see the same one twice (`event_id` tells) and is called for one at a time, in stream order. */
  readonly onEvent: (event: AnyWorkerEvent, streamSeq: number) => Promise<void>;
  readonly signal: AbortSignal;
  readonly watch?: LoopWatch;
}

/**
 * Hands over every event of BUNNY_EVENTS, in order, until the signal aborts. An event is acknowledged after `onEvent` returned; if it throws,
 * the same event is tried again and no later one overtakes it, whichever of the instances takes it.
 */
export async function consumeEvents(options: ConsumeEventsOptions): Promise<void> {
  await runPullLoop({
    messaging: options.messaging,
    stream: EVENT_STREAM,
    durable: options.durable,
    filter: ALL_EVENTS,
    concurrency: 1,
    signal: options.signal,
    ...(options.watch === undefined ? {} : { watch: options.watch }),
    handle: (message) => handleEvent(message, options),
  });
}

async function handleEvent(message: JsMsg, options: ConsumeEventsOptions): Promise<void> {
  const { log } = options.messaging;
  const event = parseEvent(message);
  if (event === undefined) {
    log.error({ subject: message.subject }, 'an event cannot be read, dropped');
    message.term('not an event');
    return;
  }
  if (isOfNewerVersion(event)) {
    // Whoever of the instances is newer takes it; what comes behind it waits.
    log.error(
      { type: event.type, mirror: event.mirror_id },
      'an event is of a newer version: it waits for a newer control',
    );
    putBack(message, NEWER_PAUSE_MS);
    return;
  }
  const endWorking = keepWorking(message);
  try {
    for (let attempt = 1; !options.signal.aborted; attempt += 1) {
      try {
        await inSpan(spanOf(event, message), () => options.onEvent(event, message.seq));
        message.ack();
        return;
      } catch (error) {
        const { kind } = reportOf(error);
        log.error(
          { type: event.type, mirror: event.mirror_id, kind, attempt, error },
          'an event could not be recorded',
        );
      }
      const waitMs = backoffDelayMs(attempt, Math.random(), RETRY);
      await sleep(waitMs, undefined, { signal: options.signal }).catch(() => undefined);
    }
    putBack(message);
  } finally {
    endWorking();
  }
}

function spanOf(event: AnyWorkerEvent, message: JsMsg): TracedOptions {
  return {
    tracer: 'bunnydb.control',
    name: `record ${event.type}`,
    parent: contextOf(message.headers?.get(TRACE_PARENT)),
    attributes: { 'bunny.mirror_id': event.mirror_id, 'bunny.event': event.event_id },
  };
}

function parseEvent(message: JsMsg): AnyWorkerEvent | undefined {
  try {
    const event = message.json<Partial<AnyWorkerEvent>>();
    const known =
      typeof event.event_id === 'string' &&
      typeof event.type === 'string' &&
      typeof event.mirror_id === 'string';
    return known ? (event as AnyWorkerEvent) : undefined;
  } catch {
    return undefined;
  }
}
