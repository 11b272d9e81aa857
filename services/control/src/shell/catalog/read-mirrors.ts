import type { Kysely, Selectable } from 'kysely';
import type { CatalogTables } from './catalog-tables.js';

export type MirrorRow = Selectable<CatalogTables['mirrors']>;
export type MirrorTableRow = Selectable<CatalogTables['mirror_tables']>;

/** Every mirror that is not dropped, by name. */
export async function readMirrors(catalog: Kysely<CatalogTables>): Promise<MirrorRow[]> {
  return catalog.selectFrom('mirrors').selectAll().orderBy('name').execute();
}

/** The mirror of a name. */
export async function readMirror(
  catalog: Kysely<CatalogTables>,
  name: string,
): Promise<MirrorRow | undefined> {
  return catalog.selectFrom('mirrors').selectAll().where('name', '=', name).executeTakeFirst();
}

/** The mirror of an id. */
export async function readMirrorById(
  catalog: Kysely<CatalogTables>,
  mirrorId: string,
): Promise<MirrorRow | undefined> {
  return catalog
    .selectFrom('mirrors')
    .selectAll()
    .where('mirror_id', '=', mirrorId)
    .executeTakeFirst();
}

/** Names of the mirrors that use a peer, on either side. */
export async function readMirrorsOfPeer(
  catalog: Kysely<CatalogTables>,
  peer: string,
): Promise<readonly { readonly mirror_id: string; readonly name: string }[]> {
  return catalog
    .selectFrom('mirrors')
    .select(['mirror_id', 'name'])
    .where((column) =>
      column.or([column('source_peer', '=', peer), column('destination_peer', '=', peer)]),
    )
    .orderBy('name')
    .execute();
}

/** The tables of a mirror, in the order in which they were given. */
export async function readMirrorTables(
  catalog: Kysely<CatalogTables>,
  mirrorId: string,
): Promise<MirrorTableRow[]> {
  return catalog
    .selectFrom('mirror_tables')
    .selectAll()
    .where('mirror_id', '=', mirrorId)
    .orderBy('ordinal')
    .execute();
}

/** Every table that is not in its mirror's main lane, as far as was told. */
export async function readTablesOutside(
  catalog: Kysely<CatalogTables>,
): Promise<readonly Pick<MirrorTableRow, 'mirror_id' | 'source_table'>[]> {
  return catalog
    .selectFrom('mirror_tables')
    .select(['mirror_id', 'source_table'])
    .where('status', '<>', 'running')
    .execute();
}

/** Every table that needs somebody, by name. */
export async function readTroubledTables(
  catalog: Kysely<CatalogTables>,
): Promise<
  readonly Pick<MirrorTableRow, 'mirror_id' | 'source_table' | 'status' | 'error_message'>[]
> {
  return catalog
    .selectFrom('mirror_tables')
    .select(['mirror_id', 'source_table', 'status', 'error_message'])
    .where('status', 'in', ['held', 'error'])
    .orderBy('source_table')
    .execute();
}

/** Ids of the mirrors whose wait is over. */
export async function readDueMirrors(
  catalog: Kysely<CatalogTables>,
  now: Date,
): Promise<readonly string[]> {
  const rows = await catalog
    .selectFrom('mirrors')
    .select('mirror_id')
    .where('wake_at', '<=', now)
    .execute();
  return rows.map((row) => row.mirror_id);
}

/** Mirrors with a command that has had no answer since before `sentBefore`. */
export async function readMirrorsOutstanding(
  catalog: Kysely<CatalogTables>,
  sentBefore: Date,
): Promise<MirrorRow[]> {
  return catalog
    .selectFrom('mirrors')
    .selectAll()
    .where('outstanding_since', '<', sentBefore)
    .execute();
}
