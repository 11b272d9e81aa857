import type { StreamAppend } from './append-events.js';
import type { Decider, Saga } from './decider.js';
import type { AppendRequest, EventStore } from './event-store.js';
import type { OutboxMessage } from './outbox.js';
import type { DomainEvent, EventMetadata } from './recorded-event.js';

/** A decider with its saga, and how its parts are stored. */
export interface Aggregate<
  State,
  Command,
  Event extends DomainEvent,
  Refusal,
  Effect,
> extends Decider<State, Command, Event, Refusal> {
  readonly react: Saga<State, Event, Effect>;
  /** Tells this aggregate's events among those of the store. */
  readonly owns: (event: DomainEvent) => event is Event;
  readonly toMessage: (effect: Effect) => OutboxMessage;
}

export interface HandleOptions<Tables, Refusal> {
  readonly metadata: EventMetadata;
  /** Id of the first event, where it comes from outside; it is stored once only. */
  readonly eventId?: string;
  readonly check?: AppendRequest<DomainEvent, Tables, Refusal>['check'];
}

/** A decision that is not stored yet: what to append, and the state that follows. */
export interface Prepared<State, Event extends DomainEvent> {
  readonly tag: 'prepared';
  readonly append: StreamAppend<Event>;
  readonly outbox: readonly OutboxMessage[];
  readonly state: State;
}

export type Handled<State, Refusal> =
  | { readonly tag: 'done'; readonly state: State; readonly changed: boolean }
  /** The event that the command brings is stored already. */
  | { readonly tag: 'duplicate' }
  | { readonly tag: 'refused'; readonly refusal: Refusal };

/** Tries again after losing a race; a stream has few writers, so more than a few means that something is broken. */
const ATTEMPTS_MAX = 20;

interface CachedState<State> {
  readonly version: number;
  readonly state: State;
}

/**
 * Runs commands on the streams of one aggregate: load, decide, let the saga react, append. States are kept in memory and brought up to date
 * by reading what came after; the expected version makes a stale one harmless.
 */
export class CommandHandler<
  State,
  Command,
  Event extends StoreEvent,
  Refusal,
  Effect,
  StoreEvent extends DomainEvent,
  Tables,
> {
  readonly #store: EventStore<StoreEvent, Tables>;
  readonly #aggregate: Aggregate<State, Command, Event, Refusal, Effect>;
  readonly #now: () => Date;
  readonly #newId: () => string;
  readonly #states = new Map<string, CachedState<State>>();

  constructor(options: {
    readonly store: EventStore<StoreEvent, Tables>;
    readonly aggregate: Aggregate<State, Command, Event, Refusal, Effect>;
    readonly now: () => Date;
    readonly newId: () => string;
  }) {
    this.#store = options.store;
    this.#aggregate = options.aggregate;
    this.#now = options.now;
    this.#newId = options.newId;
  }

  /** The present state of a stream. */
  async load(streamId: string): Promise<State> {
    return (await this.#refresh(streamId)).state;
  }

  /** Decides a command and stores what follows. */
  async handle(
    streamId: string,
    command: Command,
    options: HandleOptions<Tables, Refusal>,
  ): Promise<Handled<State, Refusal>> {
    for (let attempt = 1; attempt <= ATTEMPTS_MAX; attempt += 1) {
      const prepared = await this.prepare(streamId, command, options);
      if (prepared.tag === 'refused') return prepared;
      if (prepared.append.events.length === 0) {
        return { tag: 'done', state: prepared.state, changed: false };
      }
      const result = await this.#store.append<Refusal>({
        streams: [prepared.append],
        outbox: prepared.outbox,
        check: options.check,
      });
      switch (result.tag) {
        case 'appended':
          return { tag: 'done', state: prepared.state, changed: true };
        case 'refused':
          return result;
        case 'duplicate_event':
          return { tag: 'duplicate' };
        case 'version_conflict':
          break;
      }
    }
    throw new Error(`a stream stays contended after ${ATTEMPTS_MAX} tries`);
  }

  /** Decides a command without storing anything, for an append that spans several streams. */
  async prepare(
    streamId: string,
    command: Command,
    options: HandleOptions<Tables, Refusal>,
  ): Promise<Prepared<State, Event> | { readonly tag: 'refused'; readonly refusal: Refusal }> {
    const { decide, evolve, react, toMessage } = this.#aggregate;
    const { version, state } = await this.#refresh(streamId);
    const decision = decide(state, command);
    if (decision.tag === 'refused') return decision;
    const after = decision.events.reduce(evolve, state);
    const reaction = react(state, decision.events, after);
    const recordedAt = this.#now();
    const events = [...decision.events, ...reaction.events].map((event, index) => ({
      eventId: (index === 0 ? options.eventId : undefined) ?? this.#newId(),
      event,
      metadata: options.metadata,
      recordedAt,
    }));
    return {
      tag: 'prepared',
      append: { streamId, expectedVersion: version, events },
      outbox: reaction.effects.map(toMessage),
      state: reaction.events.reduce(evolve, after),
    };
  }

  /** Lets a stream's state go, once nothing is expected there any more. */
  forget(streamId: string): void {
    this.#states.delete(streamId);
  }

  async #refresh(streamId: string): Promise<CachedState<State>> {
    const cached = this.#states.get(streamId);
    let state = cached?.state ?? this.#aggregate.initialState;
    let version = cached?.version ?? 0;
    for (const { event, streamVersion } of await this.#store.load(streamId, version)) {
      version = streamVersion;
      if (this.#aggregate.owns(event)) state = this.#aggregate.evolve(state, event);
    }
    const fresh = { version, state };
    // A state that was never stored is not kept, so that asking for unknown ids costs no memory.
    if (version > 0) this.#states.set(streamId, fresh);
    return fresh;
  }
}
