import type { QualifiedName } from '@bunnydb/pg-model';
import type pg from 'pg';
import { refuseIdentity } from '../core/published-identity.js';
import { readIdentities } from './publication-facts.js';

/**
 * Refuses to publish a table whose updates and deletes the source would refuse from then on.
 *
 * @throws MirrorError that names the table.
 */
export async function checkIdentities(
  client: pg.Client,
  publication: string,
  tables: readonly QualifiedName[],
): Promise<void> {
  for (const facts of await readIdentities(client, publication, tables)) {
    const refusal = refuseIdentity(facts);
    if (refusal) throw refusal;
  }
}
