import {
  STRUCTURE_LIST_MAX,
  type SchemaSynced,
  type SyncSchema,
  lookSubject,
} from '@bunnydb/contracts';
import { MirrorError } from '@bunnydb/failure';
import type { Messaging } from '@bunnydb/messaging';
import { askLanes } from './ask-lanes.js';
import type { OpenSecret } from './peer-session.js';
import { tellProgress } from './structure-progress.js';
import { syncMirror } from './sync-structure.js';

export interface SyncByCommandOptions {
  readonly command: SyncSchema;
  readonly openSecret: OpenSecret;
  readonly signal: AbortSignal;
  readonly messaging: Messaging;
  readonly instance: string;
}

/** A synchronisation as a step of control's: what a table was held for is made, so its lane is told to go on. */
export async function syncByCommand({
  command,
  openSecret,
  signal,
  messaging,
  instance,
}: SyncByCommandOptions): Promise<Omit<SchemaSynced['body'], 'command_id'>> {
  const { spec, ...wishes } = command.body;
  const reply = await syncMirror({
    spec,
    openSecret,
    signal,
    wishes,
    commandId: command.command_id,
    onProgress: tellProgress(messaging, instance, spec.id),
    onReleased: (tables) =>
      askLanes(messaging, spec, { action: 'retry', is_automatic: true }, tables),
  });
  // A table that has to be copied now is the session's to ask for.
  messaging.publishJson(lookSubject(spec.id), {});
  if (!reply.ok) {
    const { kind, message, detail } = reply.failure;
    throw new MirrorError(kind, message, { detail });
  }
  const refusals = (changes: typeof reply.failed): SchemaSynced['body']['failed'] =>
    changes
      .slice(0, STRUCTURE_LIST_MAX)
      .map(({ kind, object, outcome }) => ({ object: `${kind} ${object}`, reason: outcome }));
  return {
    applied: reply.applied
      .slice(0, STRUCTURE_LIST_MAX)
      .map(({ kind, object }) => `${kind} ${object}`),
    skipped: refusals(reply.skipped),
    failed: refusals(reply.failed),
    stale: reply.stale.slice(0, STRUCTURE_LIST_MAX),
  };
}
