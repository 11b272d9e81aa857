import { type Kysely, sql } from 'kysely';
import { createEventTablesV2 } from '@bunnydb/event-store';

/** Traces go through the outbox; messages to webhooks wait in a table of their own, since they must hold nothing up. */
export async function up(catalog: Kysely<unknown>): Promise<void> {
  await createEventTablesV2(catalog);
  await sql`
    create table alert_deliveries (
      id bigint generated always as identity primary key,
      message_id text not null,
      target integer not null,
      alert_id text not null,
      body jsonb not null,
      attempts integer not null default 0,
      next_try_at timestamptz not null default now(),
      created_at timestamptz not null default now(),
      ended_at timestamptz,
      delivered boolean not null default false,
      unique (message_id, target)
    )`.execute(catalog);
  await sql`
    create index alert_deliveries_waiting on alert_deliveries (id) where ended_at is null`.execute(
    catalog,
  );
}
