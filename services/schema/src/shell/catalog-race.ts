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

function isCatalogRace(error: unknown): boolean {
  const sqlstate = sqlstateOf(error instanceof MirrorError ? error.cause : error);
  return sqlstate !== undefined && RACES.has(sqlstate);
}

/** internal_error ("cache lookup failed for …"), undefined table, column and object. */
const RACES: ReadonlySet<string> = new Set(['XX000', '42P01', '42703', '42704']);
const ATTEMPTS_MAX = 6;
const PAUSE_MS = 50;
