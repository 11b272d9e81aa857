import { setTimeout as sleep } from 'node:timers/promises';
import { MirrorError } from '@bunnydb/failure';
import { sqlstateOf } from '@bunnydb/pg-client';

/**
 * Reads a catalog again when somebody altered it between two looks of the same reading: PostgreSQL's functions that give definitions look at the catalog as it is, and
 * do not find what the statement's snapshot still has.
 */
export async function withCatalogRetries<Result>(read: () => Promise<Result>): Promise<Result> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await read();
    } catch (error) {
      if (attempt === ATTEMPTS_MAX || !isCatalogRace(error)) throw error;
    }
    await sleep(PAUSE_MS * attempt);
  }
}

/**
 * A definition that PostgreSQL's functions gave; for an object that is gone by now, most of them give NULL.
 *
 * @throws what `withCatalogRetries` reads again for. To leave the object out would be to drop it on the other side, an index say that was just rebuilt.
 */
export function definitionFound(definition: string | null): string {
  if (definition === null) throw new DefinitionGone();
  return definition;
}

class DefinitionGone extends Error {
  constructor() {
    super('an object was altered while the catalog was read');
  }
}

function isCatalogRace(error: unknown): boolean {
  if (error instanceof DefinitionGone) return true;
  const sqlstate = sqlstateOf(error instanceof MirrorError ? error.cause : error);
  return sqlstate !== undefined && RACES.has(sqlstate);
}

/** internal_error ("cache lookup failed for …"), undefined table, column and object. */
const RACES: ReadonlySet<string> = new Set(['XX000', '42P01', '42703', '42704']);
const ATTEMPTS_MAX = 6;
const PAUSE_MS = 50;
