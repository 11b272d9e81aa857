import { setTimeout as sleep } from 'node:timers/promises';
import type { Kysely } from 'kysely';
import { COMMAND_SERVICE, retrySubject } from '@bunnydb/contracts';
import { type WaitingMessage, markDispatched, pruneOutbox, readOutbox } from '@bunnydb/event-store';
import { backoffDelayMs, faultPoint } from '@bunnydb/failure';
import { type Messaging, contextOf, inSpan, sendCommand } from '@bunnydb/messaging';
import type { Pulse, ServiceLog } from '@bunnydb/service-shell';
import { commandOf } from '../../core/mirror/command-of.js';
import { outstandingCommands } from '../../core/mirror/mirror-steps.js';
import type { MirrorEffect } from '../../core/mirror/react-mirror.js';
import { effectOf, messageOf } from '../../core/outbox-message.js';
import { insertDeliveries } from '../catalog/alert-deliveries.js';
import type { CatalogTables } from '../catalog/catalog-tables.js';
import { readMirrorById } from '../catalog/read-mirrors.js';
import { type SpecPublisher, readMirrorPeers } from './spec-publisher.js';
import type { Bell } from './bell.js';

const PAGE_MESSAGES = 100;
/** The bell can be missed (the listening session is away); this bounds how long a message then waits. */
const IDLE_WAIT_MS = 5_000;
const KEEP_SENT_MS = 24 * 3_600_000;
const RETRY = { firstDelayMs: 200, maxDelayMs: 10_000 };

export interface DispatchOptions {
  readonly catalog: Kysely<CatalogTables>;
  readonly messaging: Messaging;
  readonly specs: SpecPublisher;
  readonly bell: Bell;
  /** How many webhooks alerts go to. */
  readonly alertTargets: number;
  readonly pulse?: Pulse;
  readonly log: ServiceLog;
  readonly signal: AbortSignal;
}

/**
 * Sends what the sagas want sent, in the order in which it was decided, until the signal aborts:
 *
 * 1. read the oldest waiting message;  2. bring its effect about;  3. mark it as sent.
 *
 * A crash between 2 and 3 repeats 2. That is harmless: a command carries its id as the message id, and a spec is what the catalog says at that
 * moment. A message that cannot be sent blocks those behind it; order matters more than speed here.
 */
export async function dispatchOutbox(options: DispatchOptions): Promise<void> {
  const { catalog, bell, log, signal } = options;
  let failures = 0;
  let mirror: string | undefined;
  while (!signal.aborted) {
    options.pulse?.beat();
    try {
      const messages = await readOutbox(catalog, PAGE_MESSAGES);
      for (const message of messages) {
        if (signal.aborted) return;
        options.pulse?.beat();
        mirror = effectOf(message.kind, message.body).mirrorId;
        await dispatch(options, message);
        mirror = undefined;
      }
      failures = 0;
      if (messages.length === 0) {
        await pruneOutbox(catalog, new Date(Date.now() - KEEP_SENT_MS));
        await bell.wait(IDLE_WAIT_MS, signal);
      }
    } catch (error) {
      failures += 1;
      if (!signal.aborted) log.error({ mirror, error, failures }, 'the outbox could not be sent');
      const waitMs = backoffDelayMs(failures, Math.random(), RETRY);
      await sleep(waitMs, undefined, { signal }).catch(() => undefined);
    }
  }
}

async function dispatch(options: DispatchOptions, message: WaitingMessage): Promise<void> {
  faultPoint('control.before_dispatch');
  const effect = effectOf(message.kind, message.body);
  await inSpan(
    {
      tracer: 'bunnydb.control',
      name: `dispatch ${effect.type === 'command' ? effect.verb : effect.type}`,
      parent: contextOf(message.traceParent),
      attributes: { 'bunny.mirror_id': effect.mirrorId },
    },
    () => perform(options, effect),
  );
  faultPoint('control.after_dispatch');
  await markDispatched(options.catalog, message.id);
}

async function perform(options: DispatchOptions, effect: MirrorEffect): Promise<void> {
  switch (effect.type) {
    case 'publish_spec':
      await options.specs.publish(effect.mirrorId);
      return;
    case 'end_waits':
      options.messaging.publishJson(retrySubject(effect.mirrorId), {});
      return;
    case 'command':
      return performCommand(options, effect);
    case 'alert': {
      const { messageId } = messageOf(effect);
      return insertDeliveries(options.catalog, messageId, effect.message, options.alertTargets);
    }
  }
}

async function performCommand(
  { catalog, messaging }: DispatchOptions,
  effect: Extract<MirrorEffect, { type: 'command' }>,
): Promise<void> {
  const row = await readMirrorById(catalog, effect.mirrorId);
  // The step may have been overtaken (answered before the mark, or replaced by a delete): then there is nothing to send.
  if (!row || row.state.tag === 'absent') return;
  const waiting = outstandingCommands(row.state);
  if (!waiting.some((command) => command.commandId === effect.commandId)) return;
  const command = commandOf(row.state, await readMirrorPeers(catalog, row), effect);
  if (command) await sendCommand(messaging, COMMAND_SERVICE[effect.verb], command);
}
