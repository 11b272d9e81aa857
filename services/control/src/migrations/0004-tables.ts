import { type Kysely, sql } from 'kysely';

/** What is known of single tables and of the structure; commands that a delete waits for are a list now. */
export async function up(catalog: Kysely<unknown>): Promise<void> {
  await sql`alter table mirror_tables add column next_retry_at timestamptz`.execute(catalog);
  await sql`alter table mirrors add column pending_schema_changes integer not null default 0`.execute(
    catalog,
  );
  await sql`
    update mirrors
    set state = jsonb_set(
      state,
      '{settling}',
      case jsonb_typeof(state -> 'settling')
        when 'object' then jsonb_build_array(state -> 'settling')
        else '[]'::jsonb
      end
    )
    where state ->> 'tag' = 'terminating'
      and jsonb_typeof(state -> 'settling') is distinct from 'array'`.execute(catalog);
}
