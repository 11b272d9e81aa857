import type { Kysely, Selectable } from 'kysely';
import type { CatalogTables } from './catalog-tables.js';

export type UserRow = Selectable<CatalogTables['users']>;

/** Everybody who may sign in, by name. */
export async function readUsers(catalog: Kysely<CatalogTables>): Promise<UserRow[]> {
  return catalog.selectFrom('users').selectAll().orderBy('username').execute();
}

/** Whether somebody else than this user administers. */
export async function hasOtherAdmin(
  catalog: Kysely<CatalogTables>,
  userId: string,
): Promise<boolean> {
  const row = await catalog
    .selectFrom('users')
    .select('user_id')
    .where('role', '=', 'admin')
    .where('user_id', '<>', userId)
    .limit(1)
    .executeTakeFirst();
  return row !== undefined;
}

/** The user of a name. */
export async function readUser(
  catalog: Kysely<CatalogTables>,
  username: string,
): Promise<UserRow | undefined> {
  return catalog
    .selectFrom('users')
    .selectAll()
    .where('username', '=', username)
    .executeTakeFirst();
}

/** Whether anybody can sign in at all. */
export async function hasUsers(catalog: Kysely<CatalogTables>): Promise<boolean> {
  const row = await catalog.selectFrom('users').select('user_id').limit(1).executeTakeFirst();
  return row !== undefined;
}

/** Ends a token before it expires by itself. */
export async function revokeToken(
  catalog: Kysely<CatalogTables>,
  tokenId: string,
  expiresAt: Date,
): Promise<void> {
  await catalog
    .insertInto('revoked_tokens')
    .values({ token_id: tokenId, expires_at: expiresAt })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}

/** Whether a token was ended. */
export async function isRevoked(catalog: Kysely<CatalogTables>, tokenId: string): Promise<boolean> {
  const row = await catalog
    .selectFrom('revoked_tokens')
    .select('token_id')
    .where('token_id', '=', tokenId)
    .executeTakeFirst();
  return row !== undefined;
}
