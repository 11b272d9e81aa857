import { setTimeout as sleep } from 'node:timers/promises';
import { type Kysely, sql } from 'kysely';
import type { Secret, ServiceLog } from '@bunnydb/service-shell';
import { userStream } from '../core/control-event.js';
import type { Refusal } from '../core/decision.js';
import type { CatalogTables } from './catalog/catalog-tables.js';
import type { ControlStore } from './catalog/control-store.js';
import { hasUsers } from './catalog/read-users.js';
import { hashPassword } from './http/passwords.js';

const WAIT_MS = 500;
const TRIES_MAX = 240;

/** Waits until the catalog answers: it may start at the same time. After two minutes its error is thrown. */
export async function waitForCatalog(
  catalog: Kysely<CatalogTables>,
  log: ServiceLog,
  signal: AbortSignal,
): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    try {
      await sql`select 1`.execute(catalog);
      return;
    } catch (error) {
      if (tries >= TRIES_MAX || signal.aborted) throw error;
      if (tries === 1) log.warn({ error }, 'the catalog is out of reach, trying again');
    }
    await sleep(WAIT_MS, undefined, { signal });
  }
}

/** Makes the first administrator, once: when nobody can sign in yet and the environment names a password. */
export async function ensureAdministrator(
  store: ControlStore,
  admin: { readonly id: string; readonly username: string; readonly password: Secret | undefined },
  log: ServiceLog,
): Promise<void> {
  if (await hasUsers(store.catalog)) return;
  if (admin.password === undefined) {
    log.warn({}, 'nobody can sign in: set BUNNY_ADMIN_PASSWORD and start again');
    return;
  }
  const { id, username } = admin;
  const passwordHash = await hashPassword(admin.password.reveal());
  const result = await store.users.handle(
    userStream(id),
    { type: 'create', id, username, role: 'admin', passwordHash },
    {
      metadata: { actor: 'control' },
      // Another instance may start at the same time.
      check: async (tx): Promise<Refusal | undefined> =>
        (await hasUsers(tx))
          ? { reason: 'conflict', detail: 'there are users already' }
          : undefined,
    },
  );
  if (result.tag === 'done') log.info({ username }, 'the first administrator is made');
}
