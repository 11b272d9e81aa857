import { type BackoffOptions, type FailureKind, backoffDelayMs, policyOf } from '@bunnydb/failure';

/**
 * Whose a failure is that meets a lane: `table`: it waits in its lane, and the others go on; `session`: a server, the network or our right to
 * the mirror is at fault, which no other lane would fare better with.
 */
export type FailureScope = 'table' | 'session';

const SCOPES: Readonly<Record<FailureKind, FailureScope>> = {
  source_unreachable: 'session',
  destination_unreachable: 'session',
  peer_unreachable: 'session',
  database_missing: 'session',
  messaging_unavailable: 'session',
  server_shutting_down: 'session',
  authentication_failed: 'session',
  tls_failed: 'session',
  secret_unreadable: 'session',
  foreign_server: 'session',
  position_fenced: 'session',
  position_gap: 'session',
  read_only: 'session',
  // The main lane needs neither a free slot nor much of the source; it goes on.
  slot_limit: 'table',
  slot_in_use: 'table',
  slot_missing: 'table',
  slot_invalidated: 'table',
  publication_missing: 'table',
  wal_level_not_logical: 'table',
  stream_lost: 'table',
  stream_full: 'table',
  stream_fenced: 'table',
  privilege_missing: 'table',
  table_missing: 'table',
  table_not_empty: 'table',
  table_renamed: 'table',
  table_on_hold: 'table',
  table_rewritten: 'table',
  swap_refused: 'table',
  schema_mismatch: 'table',
  constraint_violated: 'table',
  value_rejected: 'table',
  replica_identity_missing: 'table',
  serialization_conflict: 'table',
  lock_timeout: 'table',
  statement_timeout: 'table',
  disk_full: 'table',
  out_of_resources: 'table',
  invalid_input: 'table',
  protocol_violation: 'table',
  unexpected: 'table',
};

export function scopeOf(kind: FailureKind): FailureScope {
  return SCOPES[kind];
}

/** When a table is tried again by itself; null: a person is needed. */
export function nextRetryMs(
  kind: FailureKind,
  attempt: number,
  now: { readonly nowMs: number; readonly random: number },
  backoff?: BackoffOptions,
): number | null {
  if (policyOf(kind).action !== 'retry_timed') return null;
  return now.nowMs + backoffDelayMs(attempt, now.random, backoff);
}

/**
 * Whether a table that could not be copied is left behind by those that are to be swapped together with it. They are behind the mirror as long as
 * they wait, so they do that only for what soon heals by itself; the table goes on alone.
 *
 * @param attempt how many tries of the table have failed in a row, from 1.
 */
export function leavesGroup(kind: FailureKind, attempt: number): boolean {
  return policyOf(kind).action !== 'retry_timed' || attempt >= GROUP_ATTEMPTS_MAX;
}

/** Some ten seconds, with the waits between. */
const GROUP_ATTEMPTS_MAX = 4;
