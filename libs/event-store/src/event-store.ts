import { type Kysely, type Transaction, sql } from 'kysely';
import {
  type DuplicateEvent,
  type StreamAppend,
  type VersionConflict,
  findConflict,
  insertEvents,
  lockForAppend,
} from './append-events.js';
import { type EventPosition, START_OF_EVENTS } from './event-position.js';
import { EVENT_CHANNEL } from './event-feed.js';
import { type OutboxMessage, insertOutbox } from './outbox.js';
import type { Projection } from './projection.js';
import { type StreamPage, readAll, readStream, readStreamPage } from './read-events.js';
import type { DomainEvent, EventCodec, RecordedEvent } from './recorded-event.js';

export interface AppendRequest<Event extends DomainEvent, Tables, Refusal> {
  /** One or more streams, all or none. */
  readonly streams: readonly StreamAppend<Event>[];
  readonly outbox?: readonly OutboxMessage[];
  /**
   * A last look under the lock at what other streams hold (is this name free?); it refuses the append by returning why. What
   * it sees cannot change before the commit, since every append takes the same lock.
   */
  readonly check?: (transaction: Transaction<Tables>) => Promise<Refusal | undefined>;
}

export type AppendResult<Event extends DomainEvent, Refusal> =
  | { readonly tag: 'appended'; readonly events: readonly RecordedEvent<Event>[] }
  | VersionConflict
  | DuplicateEvent
  | { readonly tag: 'refused'; readonly refusal: Refusal };

const REBUILD_PAGE_EVENTS = 500;

/** The event store of the catalog: streams with versions, one order over all, read models and outbox in one transaction. */
export class EventStore<Event extends DomainEvent, Tables> {
  readonly #catalog: Kysely<Tables>;
  readonly #codec: EventCodec<Event>;
  readonly #projections: readonly Projection<Event, Tables>[];
  readonly #onAppended: () => void;
  readonly #traceParent: () => string | undefined;

  constructor(options: {
    readonly catalog: Kysely<Tables>;
    readonly codec: EventCodec<Event>;
    /** Run in this order. */
    readonly projections: readonly Projection<Event, Tables>[];
    /** Called after each commit. */
    readonly onAppended?: () => void;
    /** The present trace, which the outbox's messages are to continue. */
    readonly traceParent?: () => string | undefined;
  }) {
    this.#catalog = options.catalog;
    this.#codec = options.codec;
    this.#projections = options.projections;
    this.#onAppended = options.onAppended ?? (() => undefined);
    this.#traceParent = options.traceParent ?? (() => undefined);
  }

  /**
   * Appends, projects and fills the outbox in one transaction. A stream that has moved on, an event id that is stored already, and a
   * refusing `check` are answers, not errors; nothing is written then.
   */
  async append<Refusal = never>(
    request: AppendRequest<Event, Tables, Refusal>,
  ): Promise<AppendResult<Event, Refusal>> {
    const result = await this.#appendLocked(request);
    if (result.tag === 'appended') this.#onAppended();
    return result;
  }

  async #appendLocked<Refusal>(
    request: AppendRequest<Event, Tables, Refusal>,
  ): Promise<AppendResult<Event, Refusal>> {
    return this.#catalog.transaction().execute(async (transaction) => {
      await lockForAppend(transaction);
      for (const stream of request.streams) {
        const conflict = await findConflict(transaction, stream);
        if (conflict) return conflict;
      }
      const refusal = await request.check?.(transaction);
      if (refusal !== undefined) return { tag: 'refused', refusal };
      const events: RecordedEvent<Event>[] = [];
      for (const stream of request.streams) {
        for (const event of await insertEvents(transaction, stream)) {
          await this.#project(transaction, event);
          events.push(event);
        }
      }
      await insertOutbox(transaction, request.outbox ?? [], this.#traceParent());
      // Delivered at the commit, so that whoever is woken sees the events.
      await sql`select pg_notify(${EVENT_CHANNEL}, '')`.execute(transaction);
      return { tag: 'appended', events };
    });
  }

  /** The events of one stream behind a version (0 = all), in order. */
  async load(streamId: string, afterVersion = 0): Promise<RecordedEvent<Event>[]> {
    return readStream(this.#catalog, this.#codec, streamId, afterVersion);
  }

  /** One page of a stream. */
  async loadPage(streamId: string, page: StreamPage): Promise<RecordedEvent<Event>[]> {
    return readStreamPage(this.#catalog, this.#codec, streamId, page);
  }

  /** The events of all streams behind a position, in commit order, at most `limit`. */
  async readAfter(after: EventPosition, limit: number): Promise<RecordedEvent<Event>[]> {
    return readAll(this.#catalog, this.#codec, after, limit);
  }

  /** Empties every read model and fills it again from the events, in one transaction; appends wait meanwhile. */
  async rebuildProjections(): Promise<void> {
    await this.#catalog.transaction().execute(async (transaction) => {
      await lockForAppend(transaction);
      for (const projection of this.#projections) await projection.reset(transaction);
      let after = START_OF_EVENTS;
      for (;;) {
        const page = await readAll(transaction, this.#codec, after, REBUILD_PAGE_EVENTS);
        for (const event of page) await this.#project(transaction, event);
        const last = page.at(-1);
        if (!last) return;
        after = last.position;
      }
    });
  }

  async #project(transaction: Transaction<Tables>, event: RecordedEvent<Event>): Promise<void> {
    for (const projection of this.#projections) await projection.handle(transaction, event);
  }
}
