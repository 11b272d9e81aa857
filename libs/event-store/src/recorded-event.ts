import type { EventPosition } from './event-position.js';

/** What every event of a store has: a tag and its data. */
export interface DomainEvent {
  readonly type: string;
  readonly body: object;
}

/** Who or what caused an event. */
export interface EventMetadata {
  /** A user's name, or `service/instance` of a worker, or `control`. */
  readonly actor: string;
  readonly request_id?: string;
}

/** An event that is not stored yet. Its id, when given, is stored once only. */
export interface NewEvent<Event extends DomainEvent> {
  readonly eventId: string;
  readonly event: Event;
  readonly metadata: EventMetadata;
  readonly recordedAt: Date;
}

export interface RecordedEvent<Event extends DomainEvent> extends NewEvent<Event> {
  readonly position: EventPosition;
  readonly streamId: string;
  /** From 1 within the stream, without gaps. */
  readonly streamVersion: number;
}

/** Turns what is stored into the store's events; old forms are brought up to date here. */
export interface EventCodec<Event extends DomainEvent> {
  readonly decode: (type: string, body: unknown) => Event;
}
