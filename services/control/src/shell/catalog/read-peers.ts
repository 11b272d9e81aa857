import type { Kysely, Selectable } from 'kysely';
import type { CatalogTables } from './catalog-tables.js';

export type PeerRow = Selectable<CatalogTables['peers']>;

/** Every peer, by name. */
export async function readPeers(catalog: Kysely<CatalogTables>): Promise<PeerRow[]> {
  return catalog.selectFrom('peers').selectAll().orderBy('name').execute();
}

/** The peer of a name. */
export async function readPeer(
  catalog: Kysely<CatalogTables>,
  name: string,
): Promise<PeerRow | undefined> {
  return catalog.selectFrom('peers').selectAll().where('name', '=', name).executeTakeFirst();
}
