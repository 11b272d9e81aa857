import { setTimeout as sleep } from 'node:timers/promises';
import type { MirrorSpec } from '@bunnydb/contracts';
import { FailureKind, type FailureReport, reportOf } from '@bunnydb/failure';
import { type ServerRole, toMirrorError } from '@bunnydb/pg-client';
import type pg from 'pg';
import type { MadeStep } from '../core/follow-step.js';
import { BUSY, REFUSED } from './make-change.js';

/**
 * Makes one step: one text, which PostgreSQL runs in one transaction and one round trip. A lock that is not granted at once is asked for a few times, briefly, since everybody
 * else would wait behind us.
 *
 * @returns why it could not be made; null when it was.
 * @throws MirrorError when the server cannot be worked with.
 */
export async function makeFollowStep(
  client: pg.Client,
  step: MadeStep,
  table: string,
): Promise<FailureReport | null> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      await client.query(step.sql.join(';\n'));
      return null;
    } catch (error) {
      const context = { role: 'destination', destination_table: table, step: step.what } as const;
      const failure = toMirrorError(error, context);
      if (REFUSED.has(failure.kind)) return reportOf(failure);
      if (!BUSY.has(failure.kind)) throw failure;
      if (attempt === ATTEMPTS_MAX) return reportOf(failure);
    }
    await sleep(PAUSE_MS * (0.5 + Math.random()));
  }
}

/**
 * Runs a statement again when a lock was not granted; reading a catalog's definitions takes locks, too.
 *
 * @throws MirrorError `lock_timeout` when it is not had in a few seconds, or whatever else is wrong.
 */
export async function withLockRetries<Result>(
  role: ServerRole,
  work: () => Promise<Result>,
): Promise<Result> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await work();
    } catch (error) {
      const failure = toMirrorError(error, { role });
      if (failure.kind !== FailureKind.LockTimeout || attempt === ATTEMPTS_MAX) throw failure;
    }
  }
}

/**
 * Runs work under the lock that keeps two that follow the same mirror apart; it is another one than that of builds, which last. It is held for a moment, so it may be waited for.
 *
 * @throws MirrorError `lock_timeout` when it is not had in time.
 */
export async function withFollowLock<Result>(
  client: pg.Client,
  spec: MirrorSpec,
  work: () => Promise<Result>,
): Promise<Result> {
  const key = [FOLLOW_LOCK_CLASS, spec.id];
  await withLockRetries('destination', () =>
    client.query(`select pg_catalog.pg_advisory_lock($1, pg_catalog.hashtext($2))`, key),
  );
  const result = await work();
  // When the work throws, the session is closed, and the lock goes with it.
  await client.query(`select pg_catalog.pg_advisory_unlock($1, pg_catalog.hashtext($2))`, key);
  return result;
}

/** "foll" in ASCII. */
const FOLLOW_LOCK_CLASS = 0x666f6c6c;
const ATTEMPTS_MAX = 4;
const PAUSE_MS = 100;
