import { type Kysely, sql } from 'kysely';
import { type EventPosition, parseEventPosition } from './event-position.js';
import type { DomainEvent, EventCodec, EventMetadata, RecordedEvent } from './recorded-event.js';

interface EventRow {
  readonly position: bigint;
  readonly stream_id: string;
  readonly stream_version: number;
  readonly event_id: string;
  readonly type: string;
  readonly body: unknown;
  readonly metadata: EventMetadata;
  readonly recorded_at: Date;
}

/** The events of one stream behind a version, in order. */
export async function readStream<Event extends DomainEvent, Tables>(
  catalog: Kysely<Tables>,
  codec: EventCodec<Event>,
  streamId: string,
  afterVersion: number,
): Promise<RecordedEvent<Event>[]> {
  const found = await sql<EventRow>`
    select position, stream_id, stream_version, event_id, type, body, metadata, recorded_at
    from events where stream_id = ${streamId} and stream_version > ${afterVersion}
    order by stream_version`.execute(catalog);
  return found.rows.map((row) => decodeRow(codec, row));
}

/** Which part of a stream: behind one position, before another, at most `limit` from the end where the order begins. */
export interface StreamPage {
  readonly after: EventPosition;
  readonly before?: EventPosition;
  readonly limit: number;
  readonly order: 'newest_first' | 'oldest_first';
}

/** One page of a stream. */
export async function readStreamPage<Event extends DomainEvent, Tables>(
  catalog: Kysely<Tables>,
  codec: EventCodec<Event>,
  streamId: string,
  page: StreamPage,
): Promise<RecordedEvent<Event>[]> {
  const direction = page.order === 'newest_first' ? sql`desc` : sql`asc`;
  const found = await sql<EventRow>`
    select position, stream_id, stream_version, event_id, type, body, metadata, recorded_at
    from events
    where stream_id = ${streamId} and position > ${page.after}
      and (${page.before ?? null}::bigint is null or position < ${page.before ?? null}::bigint)
    order by stream_version ${direction} limit ${page.limit}`.execute(catalog);
  return found.rows.map((row) => decodeRow(codec, row));
}

/** The events of all streams behind a position, in commit order, at most `limit`. */
export async function readAll<Event extends DomainEvent, Tables>(
  catalog: Kysely<Tables>,
  codec: EventCodec<Event>,
  after: EventPosition,
  limit: number,
): Promise<RecordedEvent<Event>[]> {
  const found = await sql<EventRow>`
    select position, stream_id, stream_version, event_id, type, body, metadata, recorded_at
    from events where position > ${after} order by position limit ${limit}`.execute(catalog);
  return found.rows.map((row) => decodeRow(codec, row));
}

function decodeRow<Event extends DomainEvent>(
  codec: EventCodec<Event>,
  row: EventRow,
): RecordedEvent<Event> {
  return {
    position: parseEventPosition(row.position),
    streamId: row.stream_id,
    streamVersion: row.stream_version,
    eventId: row.event_id,
    event: codec.decode(row.type, row.body),
    metadata: row.metadata,
    recordedAt: row.recorded_at,
  };
}
