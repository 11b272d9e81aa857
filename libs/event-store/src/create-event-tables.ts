import { type Kysely, sql } from 'kysely';

/**
 * The tables of the store, version 1. A migration of the catalog calls this once; it is never edited, a later form is a
 * later migration.
 */
export async function createEventTablesV1<Tables>(catalog: Kysely<Tables>): Promise<void> {
  await sql`
    create table events (
      position bigint primary key,
      stream_id text not null,
      stream_version integer not null,
      event_id text not null unique,
      type text not null,
      body jsonb not null,
      metadata jsonb not null,
      recorded_at timestamptz not null,
      unique (stream_id, stream_version)
    )`.execute(catalog);
  await sql`
    create table outbox (
      id bigint generated always as identity primary key,
      message_id text not null unique,
      kind text not null,
      body jsonb not null,
      created_at timestamptz not null default now(),
      dispatched_at timestamptz
    )`.execute(catalog);
  await sql`create index outbox_waiting on outbox (id) where dispatched_at is null`.execute(
    catalog,
  );
}

/** Version 2: a message of the outbox knows the trace that it belongs to. */
export async function createEventTablesV2<Tables>(catalog: Kysely<Tables>): Promise<void> {
  await sql`alter table outbox add column trace_parent text`.execute(catalog);
}
