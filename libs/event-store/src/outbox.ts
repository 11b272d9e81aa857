import { type Kysely, type Transaction, sql } from 'kysely';

/** A message that must be sent because of what was appended; its id makes sending it twice harmless. */
export interface OutboxMessage {
  readonly messageId: string;
  readonly kind: string;
  readonly body: object;
}

export interface WaitingMessage {
  readonly id: bigint;
  readonly messageId: string;
  readonly kind: string;
  readonly body: unknown;
  readonly createdAt: Date;
  /** The trace that it belongs to, as W3C's `traceparent`. */
  readonly traceParent: string | undefined;
}

/** Puts messages in the outbox, in the transaction that appends. */
export async function insertOutbox<Tables>(
  transaction: Transaction<Tables>,
  messages: readonly OutboxMessage[],
  traceParent?: string,
): Promise<void> {
  for (const message of messages) {
    await sql`
      insert into outbox (message_id, kind, body, trace_parent)
      values (
        ${message.messageId}, ${message.kind}, ${JSON.stringify(message.body)}::jsonb,
        ${traceParent ?? null}
      )
      on conflict (message_id) do nothing`.execute(transaction);
  }
}

/** The oldest messages that are not sent yet, in order. */
export async function readOutbox<Tables>(
  catalog: Kysely<Tables>,
  limit: number,
): Promise<WaitingMessage[]> {
  const found = await sql<{
    id: bigint;
    message_id: string;
    kind: string;
    body: unknown;
    created_at: Date;
    trace_parent: string | null;
  }>`
    select id, message_id, kind, body, created_at, trace_parent from outbox
    where dispatched_at is null order by id limit ${limit}`.execute(catalog);
  return found.rows.map((row) => ({
    id: row.id,
    messageId: row.message_id,
    kind: row.kind,
    body: row.body,
    createdAt: row.created_at,
    traceParent: row.trace_parent ?? undefined,
  }));
}

/** Notes that a message was sent. A crash before this sends it again, under the same id. */
export async function markDispatched<Tables>(catalog: Kysely<Tables>, id: bigint): Promise<void> {
  await sql`update outbox set dispatched_at = now() where id = ${id}`.execute(catalog);
}

/** Forgets messages that were sent long ago. */
export async function pruneOutbox<Tables>(
  catalog: Kysely<Tables>,
  sentBefore: Date,
): Promise<void> {
  await sql`delete from outbox where dispatched_at < ${sentBefore}`.execute(catalog);
}
