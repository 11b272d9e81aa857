import { type Kysely, sql } from 'kysely';

/** What is read often, kept by projections in the transaction that appends; can be rebuilt from the events. */
export async function up(catalog: Kysely<unknown>): Promise<void> {
  await sql`
    create table mirrors (
      mirror_id text primary key,
      name text not null unique,
      source_peer text not null,
      destination_peer text not null,
      state jsonb not null,
      config jsonb not null,
      status text not null,
      error_count integer not null default 0,
      wake_at timestamptz,
      outstanding_since timestamptz,
      created_at timestamptz not null,
      updated_at timestamptz not null
    )`.execute(catalog);
  await sql`create index mirrors_wake_at on mirrors (wake_at) where wake_at is not null`.execute(
    catalog,
  );
  await sql`
    create table mirror_tables (
      mirror_id text not null,
      source_table text not null,
      destination_table text not null,
      ordinal integer not null,
      status text not null,
      rows_copied bigint not null default 0,
      error_message text,
      updated_at timestamptz not null,
      primary key (mirror_id, source_table)
    )`.execute(catalog);
  await sql`
    create table mirror_logs (
      position bigint primary key,
      mirror_id text not null,
      level text not null,
      category text not null,
      message text not null,
      details jsonb not null,
      created_at timestamptz not null
    )`.execute(catalog);
  await sql`create index mirror_logs_of on mirror_logs (mirror_id, position desc)`.execute(catalog);
  await sql`
    create table peers (
      peer_id text primary key,
      name text not null unique,
      connection jsonb not null,
      created_at timestamptz not null,
      updated_at timestamptz not null
    )`.execute(catalog);
  await sql`
    create table users (
      user_id text primary key,
      username text not null unique,
      role text not null,
      password_hash text not null,
      token_generation integer not null default 0,
      kept_token_id text,
      created_at timestamptz not null,
      updated_at timestamptz not null
    )`.execute(catalog);
}
