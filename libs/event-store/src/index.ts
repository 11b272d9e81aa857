export type { Decider, Decision, Reaction, Saga } from './decider.js';
export {
  type Aggregate,
  CommandHandler,
  type HandleOptions,
  type Handled,
  type Prepared,
} from './command-handler.js';
export {
  type EventPosition,
  START_OF_EVENTS,
  compareEventPositions,
  parseEventPosition,
} from './event-position.js';
export type {
  DomainEvent,
  EventCodec,
  EventMetadata,
  NewEvent,
  RecordedEvent,
} from './recorded-event.js';
export {
  type DuplicateEvent,
  type StreamAppend,
  type VersionConflict,
  lockForAppend,
} from './append-events.js';
export { type AppendRequest, type AppendResult, EventStore } from './event-store.js';
export type { StreamPage } from './read-events.js';
export { EVENT_CHANNEL, type EventBell, listenForEvents } from './event-feed.js';
export { type CatalogSettings, type CatalogTls, openCatalog } from './open-catalog.js';
export { createEventTablesV1, createEventTablesV2 } from './create-event-tables.js';
export {
  type OutboxMessage,
  type WaitingMessage,
  markDispatched,
  pruneOutbox,
  readOutbox,
} from './outbox.js';
export type { Projection } from './projection.js';
