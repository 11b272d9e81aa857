import {
  type MirrorSpec,
  Query,
  type SchemaShadowReply,
  type SchemaShadowRequest,
} from '@bunnydb/contracts';
import { MirrorError } from '@bunnydb/failure';
import type { Messaging } from '@bunnydb/messaging';
import { type QualifiedName, formatQualifiedName } from '@bunnydb/pg-model';

/**
 * Asks the schema service for something about tables' shadows; returns each shadow's name by the table's source name. What is asked may be asked again after
 * an answer that was lost.
 *
 * @throws MirrorError what the service refused, or `messaging_unavailable`.
 */
export async function askShadow(
  messaging: Messaging,
  spec: MirrorSpec,
  action: SchemaShadowRequest['action'],
  tables: readonly QualifiedName[],
): Promise<ReadonlyMap<string, QualifiedName>> {
  const request: SchemaShadowRequest = { spec, action, tables };
  const reply = await messaging.request<SchemaShadowReply>(Query.SchemaShadow, request, {
    timeoutMs: ANSWER_TIMEOUT_MS,
  });
  if (!reply.ok) {
    const { kind, message, detail } = reply.failure;
    throw new MirrorError(kind, message, { detail });
  }
  return new Map(reply.shadows.map(({ table, shadow }) => [formatQualifiedName(table), shadow]));
}

/** A swap builds indexes; one that takes longer goes on at the schema service, and is asked for again. */
const ANSWER_TIMEOUT_MS = 600_000;
