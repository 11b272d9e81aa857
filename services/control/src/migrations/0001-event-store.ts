import type { Kysely } from 'kysely';
import { createEventTablesV1 } from '@bunnydb/event-store';

/** Events and outbox. */
export async function up(catalog: Kysely<unknown>): Promise<void> {
  await createEventTablesV1(catalog);
}
