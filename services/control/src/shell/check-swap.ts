import { type MirrorSpec, Query, type SchemaSwapCheckReply } from '@bunnydb/contracts';
import type { Messaging } from '@bunnydb/messaging';
import { formatQualifiedName } from '@bunnydb/pg-model';
import { findTable } from '../core/mirror/find-table.js';
import { Problem } from './http/problem.js';

/**
 * Has the destination looked at before a table (all of them unless it is named) is copied again by swap: once its lane has begun, the table is
 * behind the others until the swap has come about.
 *
 * @throws Problem 422 that lists what stands against it, with the way out.
 */
export async function checkSwap(
  messaging: Messaging,
  spec: MirrorSpec,
  table: string | undefined,
): Promise<void> {
  const name = table === undefined ? undefined : findTable(spec.tables, table);
  const tables = spec.tables
    .map(({ source }) => source)
    .filter((source) => name === undefined || formatQualifiedName(source) === name);
  const reply = await messaging.request<SchemaSwapCheckReply>(
    Query.SchemaSwapCheck,
    { spec, tables },
    { timeoutMs: CHECK_TIMEOUT_MS },
  );
  // A destination that does not answer now is no obstacle: the resync waits for it, and its lane looks again.
  if (!reply.ok || reply.obstacles.length === 0) return;
  const checks = reply.obstacles.map((obstacle) => ({
    name: 'swap_possible',
    ok: false,
    detail: `${formatQualifiedName(obstacle.table)} cannot be swapped: ${obstacle.reasons.join(', ')}`,
    fix: 'Drop what depends on it, or ask for the strategy truncate, which leaves all of that alone.',
  }));
  const detail = checks.map((check) => check.detail).join('; ');
  throw new Problem(422, `${detail}; the strategy truncate leaves all of that alone`, { checks });
}

const CHECK_TIMEOUT_MS = 30_000;
