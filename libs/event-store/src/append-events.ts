import { type Transaction, sql } from 'kysely';
import { type EventPosition, parseEventPosition } from './event-position.js';
import type { DomainEvent, NewEvent, RecordedEvent } from './recorded-event.js';

/** Events for one stream, and the version that the decision was made on. */
export interface StreamAppend<Event extends DomainEvent> {
  readonly streamId: string;
  readonly expectedVersion: number;
  readonly events: readonly NewEvent<Event>[];
}

export interface VersionConflict {
  readonly tag: 'version_conflict';
  readonly streamId: string;
  readonly expectedVersion: number;
  readonly actualVersion: number;
}

/** An event with this id is stored already. */
export interface DuplicateEvent {
  readonly tag: 'duplicate_event';
  readonly eventId: string;
}

/**
 * The one lock that every append takes, so that positions are gap-free *in commit order* and a reader can go on from the last
 * position that it saw. Held until the transaction ends.
 */
export async function lockForAppend<Tables>(transaction: Transaction<Tables>): Promise<void> {
  await sql`select pg_advisory_xact_lock(hashtextextended('bunnydb.events', 0))`.execute(
    transaction,
  );
}

/** Looks for what would refuse the append. The caller holds the lock, so the answer stays true. */
export async function findConflict<Event extends DomainEvent, Tables>(
  transaction: Transaction<Tables>,
  append: StreamAppend<Event>,
): Promise<VersionConflict | DuplicateEvent | undefined> {
  const ids = append.events.map((event) => event.eventId);
  const known = await sql<{ event_id: string }>`
    select event_id from events where event_id = any(${ids}::text[]) limit 1`.execute(transaction);
  const duplicate = known.rows[0];
  if (duplicate) return { tag: 'duplicate_event', eventId: duplicate.event_id };
  const found = await sql<{ version: number }>`
    select coalesce(max(stream_version), 0)::int as version
    from events where stream_id = ${append.streamId}`.execute(transaction);
  const actualVersion = found.rows[0]?.version ?? 0;
  if (actualVersion === append.expectedVersion) return undefined;
  const { streamId, expectedVersion } = append;
  return { tag: 'version_conflict', streamId, expectedVersion, actualVersion };
}

/** Writes the events of one stream behind all that are stored. The caller holds the lock and has looked for conflicts. */
export async function insertEvents<Event extends DomainEvent, Tables>(
  transaction: Transaction<Tables>,
  append: StreamAppend<Event>,
): Promise<RecordedEvent<Event>[]> {
  let position = await lastPosition(transaction);
  let streamVersion = append.expectedVersion;
  const recorded: RecordedEvent<Event>[] = [];
  for (const newEvent of append.events) {
    position = parseEventPosition(position + 1n);
    streamVersion += 1;
    await sql`
      insert into events
        (position, stream_id, stream_version, event_id, type, body, metadata, recorded_at)
      values (
        ${position}, ${append.streamId}, ${streamVersion}, ${newEvent.eventId},
        ${newEvent.event.type}, ${JSON.stringify(newEvent.event.body)}::jsonb,
        ${JSON.stringify(newEvent.metadata)}::jsonb, ${newEvent.recordedAt}
      )`.execute(transaction);
    recorded.push({ ...newEvent, position, streamId: append.streamId, streamVersion });
  }
  return recorded;
}

async function lastPosition<Tables>(transaction: Transaction<Tables>): Promise<EventPosition> {
  const found = await sql<{ position: bigint }>`
    select coalesce(max(position), 0)::bigint as position from events`.execute(transaction);
  return parseEventPosition(found.rows[0]?.position ?? 0n);
}
