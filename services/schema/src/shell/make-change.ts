import { setTimeout as sleep } from 'node:timers/promises';
import { FailureKind, type MirrorError } from '@bunnydb/failure';
import { sqlstateOf, toMirrorError } from '@bunnydb/pg-client';
import type pg from 'pg';
import type { ChangeStatement, StructureChange } from '../core/structure-change.js';

/** `refused`: the change cannot be made as things are; the reason names no values. `busy`: it could not get its locks in time. */
export type ChangeOutcome =
  | { readonly tag: 'made' }
  | { readonly tag: 'refused' | 'busy'; readonly reason: string; readonly error: MirrorError };

/**
 * Makes one change, each statement for itself (a concurrent build takes no transaction, and a validation must not hold the locks of what went before).
 * A statement that writers have to wait for asks for its locks only briefly, over and over: while it waits, everybody behind it waits, too, and
 * an applier that held one of the locks would be in a deadlock rather than done in a moment.
 *
 * @throws MirrorError when the server cannot be worked with.
 */
export async function makeChange(
  client: pg.Client,
  change: StructureChange,
  signal: AbortSignal,
): Promise<ChangeOutcome> {
  for (const statement of change.statements) {
    try {
      await runStatement(client, statement, signal);
    } catch (error) {
      const failure = toMirrorError(error, { role: 'destination', object: change.object });
      if (BUSY.has(failure.kind)) return outcome('busy', failure, '');
      if (!REFUSED.has(failure.kind)) throw failure;
      const offending = await countOffending(client, change, failure);
      if (statement.undo !== undefined) await undo(client, statement.undo);
      return outcome('refused', failure, offending);
    }
  }
  return { tag: 'made' };
}

async function runStatement(
  client: pg.Client,
  statement: ChangeStatement,
  signal: AbortSignal,
): Promise<void> {
  const deadline = Date.now() + BUSY_DEADLINE_MS;
  const lockTimeoutMs = statement.blocksWriters ? BRIEF_LOCK_TIMEOUT_MS : LONG_LOCK_TIMEOUT_MS;
  await client.query(`set lock_timeout = ${lockTimeoutMs}`);
  // Whether a try of ours may have left something, and whether a name was taken at the last one.
  let [hasLeft, wasTaken] = [false, false];
  for (;;) {
    signal.throwIfAborted();
    try {
      await client.query(statement.sql);
      return;
    } catch (error) {
      const isBusy = BUSY.has(toMirrorError(error, { role: 'destination' }).kind);
      hasLeft ||= isBusy && statement.undo !== undefined;
      // Indexes of partitions get their names from PostgreSQL, and two that are built beside each other may get the same one.
      const isTaken = sqlstateOf(error) === DUPLICATE_TABLE && (hasLeft || !wasTaken);
      wasTaken = isTaken;
      // What a cut-off build leaves would make the next try fail, and costs every write until then; that it could not be removed at once is no reason to give up.
      if (statement.undo !== undefined && hasLeft) await undo(client, statement.undo);
      if (!(isBusy || isTaken) || Date.now() >= deadline) throw error;
    }
    await sleep(BUSY_PAUSE_MS * (0.5 + Math.random()), undefined, { signal });
  }
}

/** What is left is found and removed by the next comparison, if it cannot be removed now. */
async function undo(client: pg.Client, sql: string): Promise<void> {
  try {
    await client.query(`set lock_timeout = ${LONG_LOCK_TIMEOUT_MS}`);
    await client.query(sql);
  } catch (error) {
    const failure = toMirrorError(error, { role: 'destination' });
    if (!BUSY.has(failure.kind) && !REFUSED.has(failure.kind)) throw failure;
  }
}

/** How many rows stand in the way, as words; nothing when it cannot be told. */
async function countOffending(
  client: pg.Client,
  change: StructureChange,
  failure: MirrorError,
): Promise<string> {
  if (change.countOffending === undefined || failure.kind !== FailureKind.ConstraintViolated) {
    return '';
  }
  try {
    const { rows } = await client.query<{ rows: string }>(change.countOffending);
    return `; offending rows: ${rows[0]?.rows ?? 'unknown'}`;
  } catch {
    // An operator that is not in pg_catalog, for instance; the reason stands without the number.
    return '';
  }
}

function outcome(tag: 'refused' | 'busy', error: MirrorError, more: string): ChangeOutcome {
  const sqlstate = error.detail['sqlstate'];
  const code = typeof sqlstate === 'string' ? ` (SQLSTATE ${sqlstate})` : '';
  return { tag, reason: `${error.message}${code}${more}`, error };
}

/** Failures that say something of the object, not of the server. */
export const REFUSED: ReadonlySet<FailureKind> = new Set([
  FailureKind.ConstraintViolated,
  FailureKind.SchemaMismatch,
  FailureKind.TableMissing,
  FailureKind.PrivilegeMissing,
  FailureKind.ValueRejected,
  FailureKind.InvalidInput,
  FailureKind.Unexpected,
]);
/** Failures that pass when others are done. */
export const BUSY: ReadonlySet<FailureKind> = new Set([
  FailureKind.LockTimeout,
  FailureKind.SerializationConflict,
]);

/** Shorter than deadlock_timeout, so that we step back before the applier is made to. */
const BRIEF_LOCK_TIMEOUT_MS = 300;
/** Nobody waits behind these; they wait for the transactions of others to end. */
const LONG_LOCK_TIMEOUT_MS = 600_000;
const DUPLICATE_TABLE = '42P07';
const BUSY_DEADLINE_MS = 60_000;
const BUSY_PAUSE_MS = 200;
