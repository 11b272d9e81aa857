import type { Transaction } from 'kysely';
import type { DomainEvent, RecordedEvent } from './recorded-event.js';

/**
 * A read model that is kept in the transaction that appends, so that a reader of the catalog never sees one without the other.
 * It is a function of the events alone and can be rebuilt from them.
 */
export interface Projection<Event extends DomainEvent, Tables> {
  readonly name: string;
  /** Empties the read model. */
  readonly reset: (transaction: Transaction<Tables>) => Promise<void>;
  readonly handle: (transaction: Transaction<Tables>, event: RecordedEvent<Event>) => Promise<void>;
}
