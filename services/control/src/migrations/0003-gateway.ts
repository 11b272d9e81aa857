import { type Kysely, sql } from 'kysely';

/** What the gateway remembers beside the events: signed-out tokens, answers to repeatable writes, the last statistics. */
export async function up(catalog: Kysely<unknown>): Promise<void> {
  await sql`
    create table revoked_tokens (
      token_id text primary key,
      expires_at timestamptz not null
    )`.execute(catalog);
  await sql`
    create table idempotency_keys (
      username text not null,
      key text not null,
      fingerprint text not null,
      status integer,
      answer jsonb,
      created_at timestamptz not null,
      primary key (username, key)
    )`.execute(catalog);
  await sql`
    create table mirror_stats (
      mirror_id text not null,
      service text not null,
      stats jsonb not null,
      updated_at timestamptz not null,
      primary key (mirror_id, service)
    )`.execute(catalog);
}
