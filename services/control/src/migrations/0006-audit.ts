import { type Kysely, sql } from 'kysely';

/** What people did is found without reading what machines did, which is nearly everything. */
export async function up(catalog: Kysely<unknown>): Promise<void> {
  await sql`
    create index events_by_people on events (position)
    where metadata ->> 'actor' <> 'control' and strpos(metadata ->> 'actor', '/') = 0`.execute(
    catalog,
  );
}
