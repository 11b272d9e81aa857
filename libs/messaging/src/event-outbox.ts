import type { AnyWorkerEvent } from '@bunnydb/contracts';
import { emitEvent } from './emit-event.js';
import type { Messaging } from './messaging.js';
import type { StoredPublishResult } from './stored-publish.js';

/** After this many events that could not be stored yet, the oldest is given up. */
const WAITING_MAX = 200;
const DEADLINE_MS = 24 * 3_600_000;

interface Waiting {
  readonly event: AnyWorkerEvent;
  readonly settle: (result: Promise<StoredPublishResult>) => void;
}

/**
 * Stores the events of one mirror one after another, in the order in which they were handed over, and goes on trying while
 * NATS is out of reach. So a `session_recovered` never overtakes its `session_failed`.
 */
export class EventOutbox {
  readonly #messaging: Messaging;
  readonly #signal: AbortSignal;
  readonly #waiting: Waiting[] = [];
  #working: Promise<void> | undefined;

  /** @param signal ends the attempts for good: what is not stored then is lost. */
  constructor(messaging: Messaging, signal: AbortSignal) {
    this.#messaging = messaging;
    this.#signal = signal;
  }

  /** Hands an event over; the promise settles when it is stored or given up. */
  emit(event: AnyWorkerEvent): Promise<StoredPublishResult> {
    const { promise, settle } = deferred<StoredPublishResult>();
    // The caller may not care; then a failure must not count as unhandled.
    promise.catch(() => undefined);
    this.#waiting.push({ event, settle });
    if (this.#waiting.length > WAITING_MAX) {
      const oldest = this.#waiting.shift();
      oldest?.settle(Promise.reject(new Error('too many events are waiting')));
      this.#messaging.log.warn(
        { mirror: event.mirror_id, type: oldest?.event.type },
        'an event was given up: too many are waiting',
      );
    }
    this.#working ??= this.#work();
    return promise;
  }

  /** True when nothing waits to be stored. */
  get empty(): boolean {
    return this.#working === undefined;
  }

  /** Settles when everything handed over so far is stored or given up. */
  async drained(): Promise<void> {
    await this.#working;
  }

  async #work(): Promise<void> {
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
      const storing = emitEvent(this.#messaging, next.event, {
        signal: this.#signal,
        deadlineMs: DEADLINE_MS,
      });
      next.settle(storing);
      await storing.catch((error: unknown) => {
        this.#messaging.log.warn(
          { mirror: next?.event.mirror_id, type: next?.event.type, error },
          'an event could not be stored',
        );
      });
    }
    this.#working = undefined;
  }
}

function deferred<Result>(): {
  readonly promise: Promise<Result>;
  readonly settle: (result: Promise<Result>) => void;
} {
  let settle: (result: Promise<Result>) => void = () => undefined;
  const promise = new Promise<Result>((resolve) => {
    settle = resolve;
  });
  return { promise, settle };
}
