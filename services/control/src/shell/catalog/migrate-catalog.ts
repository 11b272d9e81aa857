import { type Kysely, type Migration, Migrator } from 'kysely';
import { up as eventStore } from '../../migrations/0001-event-store.js';
import { up as readModels } from '../../migrations/0002-read-models.js';
import { up as gateway } from '../../migrations/0003-gateway.js';
import { up as tables } from '../../migrations/0004-tables.js';
import { up as observe } from '../../migrations/0005-observe.js';
import { up as audit } from '../../migrations/0006-audit.js';

/** All migrations, forward only, named in the order in which they run. */
const MIGRATIONS: Readonly<Record<string, Migration>> = {
  '0001-event-store': { up: eventStore },
  '0002-read-models': { up: readModels },
  '0003-gateway': { up: gateway },
  '0004-tables': { up: tables },
  '0005-observe': { up: observe },
  '0006-audit': { up: audit },
};

/**
 * Brings the catalog up to this version, under the migrator's advisory lock, all steps or none. A catalog that a newer version has
 * migrated is refused: an older program would misread it.
 */
export async function migrateCatalog<Tables>(catalog: Kysely<Tables>): Promise<readonly string[]> {
  const migrator = new Migrator({
    db: catalog,
    provider: { getMigrations: () => Promise.resolve({ ...MIGRATIONS }) },
    migrationTableName: 'catalog_migration',
    migrationLockTableName: 'catalog_migration_lock',
  });
  const { error, results } = await migrator.migrateToLatest();
  if (error !== undefined) {
    throw isNewerCatalog(error)
      ? new Error('the catalog was migrated by a newer version of BunnyDB; start that version', {
          cause: error,
        })
      : new Error('the catalog could not be migrated', { cause: error });
  }
  return (results ?? []).map((result) => result.migrationName);
}

/** Kysely says so in words only: a migration that was executed is not among those that are known. */
function isNewerCatalog(error: unknown): boolean {
  return (
    error instanceof Error && /previously executed migration .* is missing/.test(error.message)
  );
}
