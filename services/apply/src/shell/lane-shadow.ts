import { setTimeout as sleep } from 'node:timers/promises';
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
 * A service that dies takes the answer with it. So each question waits only for a while; it is asked again as long as somebody is at work for this
 * mirror, which may take hours if large indexes are built.
 *
 * @throws MirrorError what the service refused, or `messaging_unavailable`.
 */
export async function askShadow(
  { messaging, spec, signal }: ShadowAsker,
  action: SchemaShadowRequest['action'],
  tables: readonly QualifiedName[],
): Promise<ReadonlyMap<string, QualifiedName>> {
  for (let silences = 0; ;) {
    try {
      return await askOnce(messaging, { spec, action, tables }, signal);
    } catch (error) {
      signal.throwIfAborted();
      if (isAtWork(error)) silences = 0;
      else if (!isSilent(error) || (silences += 1) >= SILENCES_MAX) throw error;
      await sleep(AGAIN_MS, undefined, { signal });
    }
  }
}

/** Who asks, for which mirror, and until when. */
export interface ShadowAsker {
  readonly messaging: Messaging;
  readonly spec: MirrorSpec;
  readonly signal: AbortSignal;
}

async function askOnce(
  messaging: Messaging,
  request: SchemaShadowRequest,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, QualifiedName>> {
  const reply = await messaging.request<SchemaShadowReply>(Query.SchemaShadow, request, {
    timeoutMs: ANSWER_MS,
    signal,
  });
  if (!reply.ok) {
    const { kind, message, detail } = reply.failure;
    throw new MirrorError(kind, message, { detail });
  }
  return new Map(reply.shadows.map(({ table, shadow }) => [formatQualifiedName(table), shadow]));
}

/** Another session handles the mirror's shadows: as a rule what was asked before. */
const isAtWork = (error: unknown): boolean =>
  error instanceof MirrorError && error.kind === 'lock_timeout' && error.detail['at_work'] === true;

const isSilent = (error: unknown): boolean =>
  error instanceof MirrorError && error.kind === 'messaging_unavailable';

const ANSWER_MS = 20_000;
const AGAIN_MS = 1_000;
const SILENCES_MAX = 3;
