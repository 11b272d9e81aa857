import { context as traced } from '@opentelemetry/api';
import type { MirrorSpec } from '@bunnydb/contracts';
import { MirrorError, reportOf, type BackoffOptions } from '@bunnydb/failure';
import { EventOutbox } from './event-outbox.js';
import type { LeaseBook } from './lease.js';
import { LeaseKeeper } from './lease-keeper.js';
import type { Messaging } from './messaging.js';
import {
  INITIAL_SESSION_STATE,
  stepSession,
  type ClaimTurn,
  type SessionEffect,
  type SessionSignal,
  type SessionState,
} from './session-machine.js';
import { SessionTrace } from './session-trace.js';
import {
  newWorkerEvent,
  type EventOrigin,
  type WorkerEventBody,
  type WorkerEventType,
} from './worker-event.js';

/** What a session gets to work with. */
export interface SessionContext {
  /** Aborts when the session must end: hold, a changed spec, a lost lease, the end of the process. */
  readonly signal: AbortSignal;
  readonly instance: string;
  /** Stores an event about the mirror, after those emitted before; settles when it is stored. */
  emit<Type extends WorkerEventType>(type: Type, body: WorkerEventBody<Type>): Promise<void>;
  /** Says that the session works: the next failure waits the shortest time again. Cheap; call it as often as you like. */
  markHealthy(): void;
  /** Says that this work would have to be done anew elsewhere: until it has settled the mirror is not moved to share the load. */
  stayFor<Result>(work: Promise<Result>): Promise<Result>;
}

/** Runs one mirror until `context.signal` aborts, or throws what went wrong. */
export type OpenSession = (spec: MirrorSpec, context: SessionContext) => Promise<void>;

export interface MirrorSessionOptions {
  readonly mirrorId: string;
  readonly messaging: Messaging;
  readonly book: LeaseBook;
  readonly origin: EventOrigin;
  readonly openSession: OpenSession;
  readonly claimDelayMs: (turn: ClaimTurn) => number;
  /** The lease came or went. */
  readonly onLease: (mirrorId: string, has: boolean) => void;
  readonly backoff?: BackoffOptions;
}

/** Carries out what `session-machine.ts` decides for one mirror. */
export class MirrorSession {
  readonly #options: MirrorSessionOptions;
  readonly #outbox: EventOutbox;
  readonly #lastCall = new AbortController();
  readonly #stopped: Promise<void>;
  #resolveStopped: () => void = () => undefined;
  #state: SessionState = INITIAL_SESSION_STATE;
  #keeper: LeaseKeeper | undefined;
  #claiming: Promise<void> = Promise.resolve();
  #releasing: Promise<void> = Promise.resolve();
  #isGivingBack = false;
  #session: AbortController | undefined;
  /** The present session has said that it works. */
  #healthy = false;
  #stays = 0;
  #claimTimer: NodeJS.Timeout | undefined;
  #waitTimer: NodeJS.Timeout | undefined;

  constructor(options: MirrorSessionOptions) {
    this.#options = options;
    this.#outbox = new EventOutbox(options.messaging, this.#lastCall.signal);
    this.#stopped = new Promise((resolve) => {
      this.#resolveStopped = resolve;
    });
  }

  /** Until the lease is given back: who hears that it is free claims it once, at once. */
  get leased(): boolean {
    return this.#keeper !== undefined || this.#isGivingBack;
  }

  /** True when the session holds nothing that would be missed. */
  get idle(): boolean {
    return this.#state.tag === 'idle' && this.#keeper === undefined && this.#outbox.empty;
  }

  see(spec: MirrorSpec | undefined): void {
    this.#signal({ tag: 'spec_seen', spec });
  }

  /** True when the mirror can go to another instance and nothing is done twice for it. */
  get movable(): boolean {
    return this.#state.tag === 'running' && this.#healthy && this.#stays === 0;
  }

  /** Ends the session at its next safe point and leaves the lease to another instance. */
  give(): void {
    this.#signal({ tag: 'give_requested' });
  }

  /** Another instance has given the lease back. */
  claimFreed(): void {
    this.#signal({ tag: 'lease_freed' });
  }

  retry(): void {
    this.#signal({ tag: 'retry_requested' });
  }

  /** Ends the session, gives the lease back and stores the last events, as long as `flushMs` allows. */
  async stop(flushMs: number): Promise<void> {
    this.#signal({ tag: 'shutdown' });
    await this.#stopped;
    // A claim that was under way gives back what it got.
    await this.#claiming;
    await this.#releasing;
    const timer = setTimeout(() => this.#lastCall.abort(), flushMs);
    await this.#outbox.drained();
    clearTimeout(timer);
  }

  #signal(signal: SessionSignal): void {
    const { state, effects } = stepSession(this.#state, signal, {
      nowMs: Date.now(),
      random: Math.random(),
      ...(this.#options.backoff === undefined ? {} : { backoff: this.#options.backoff }),
    });
    this.#state = state;
    for (const effect of effects) {
      this.#perform(effect);
    }
    if (state.tag === 'stopped') {
      clearTimeout(this.#claimTimer);
      this.#resolveStopped();
    }
  }

  #perform(effect: SessionEffect): void {
    switch (effect.tag) {
      case 'claim':
        clearTimeout(this.#claimTimer);
        this.#claimTimer = setTimeout(() => {
          // One after the other: a wish to claim may come while a claim is under way.
          this.#claiming = this.#claiming.then(() => this.#claim());
        }, this.#options.claimDelayMs(effect.turn));
        break;
      case 'release':
        this.#release();
        break;
      case 'start':
        this.#start(effect.spec);
        break;
      case 'abort':
        this.#session?.abort();
        break;
      case 'wait':
        this.#waitTimer = setTimeout(
          () => this.#signal({ tag: 'wait_over' }),
          Math.max(0, effect.untilMs - Date.now()),
        );
        break;
      case 'cancel_wait':
        clearTimeout(this.#waitTimer);
        break;
      case 'report_failed':
        void this.#emit('session_failed', {
          failure: effect.failure,
          attempt: effect.attempt,
          next_retry_at: effect.nextRetryAt,
        });
        break;
      case 'report_recovered':
        void this.#emit('session_recovered', {});
        break;
    }
  }

  async #claim(): Promise<void> {
    const { book, mirrorId, messaging } = this.#options;
    // The lease that is being given back must be gone before it is claimed anew.
    await this.#releasing;
    if (this.#state.tag !== 'claiming') return;
    const lease = messaging.connected
      ? await book.claim(mirrorId).catch(() => undefined)
      : undefined;
    if (lease === undefined) {
      this.#signal({ tag: 'claim_refused' });
      return;
    }
    if (this.#state.tag !== 'claiming') {
      await book.release(lease);
      return;
    }
    this.#keeper = new LeaseKeeper(messaging, book, lease, () => {
      this.#keeper = undefined;
      this.#options.onLease(mirrorId, false);
      messaging.log.warn({ mirror: mirrorId }, 'the lease of a mirror was lost');
      this.#signal({ tag: 'lease_lost' });
    });
    this.#options.onLease(mirrorId, true);
    this.#signal({ tag: 'claim_granted' });
  }

  #release(): void {
    const keeper = this.#keeper;
    this.#keeper = undefined;
    if (keeper !== undefined) {
      const { mirrorId, onLease } = this.#options;
      this.#isGivingBack = true;
      this.#releasing = keeper.release().then(() => {
        this.#isGivingBack = false;
        onLease(mirrorId, false);
      });
    }
  }

  #start(spec: MirrorSpec): void {
    const controller = new AbortController();
    this.#session = controller;
    this.#healthy = false;
    const { messaging, mirrorId, origin } = this.#options;
    const { name: mirrorName, generation } = spec;
    const trace = new SessionTrace({ ...origin, mirrorId, mirrorName, generation });
    traced.with(trace.logged, () =>
      messaging.log.info({ mirror: mirrorId, generation }, 'a session starts'),
    );
    void this.#emit('session_started', { generation });
    const context: SessionContext = {
      signal: controller.signal,
      instance: origin.instance,
      emit: async (type, body) => {
        await this.#emit(type, body);
      },
      markHealthy: () => {
        if (this.#session === controller && !controller.signal.aborted) {
          this.#healthy = true;
          this.#signal({ tag: 'session_healthy' });
        }
      },
      stayFor: async (work) => {
        this.#stays += 1;
        try {
          return await work;
        } finally {
          this.#stays -= 1;
        }
      },
    };
    void traced.with(trace.logged, () => this.#run(spec, context, trace));
  }

  async #run(spec: MirrorSpec, context: SessionContext, trace: SessionTrace): Promise<void> {
    const { messaging, mirrorId, openSession } = this.#options;
    let thrown: unknown;
    try {
      await openSession(spec, context);
      thrown = new MirrorError('unexpected', 'the session ended by itself');
    } catch (error) {
      thrown = error;
    }
    const failure = reportOf(thrown);
    if (context.signal.aborted) {
      messaging.log.info({ mirror: mirrorId }, 'a session has ended');
    } else {
      messaging.log.error(
        { mirror: mirrorId, kind: failure.kind, detail: failure.detail, error: thrown },
        'a session failed',
      );
      trace.failed(thrown);
    }
    this.#signal({ tag: 'session_ended', failure });
  }

  #emit<Type extends WorkerEventType>(type: Type, body: WorkerEventBody<Type>): Promise<unknown> {
    const { origin, mirrorId } = this.#options;
    return this.#outbox.emit(newWorkerEvent(origin, mirrorId, type, body));
  }
}
