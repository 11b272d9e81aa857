import type { MirrorSpec } from '@bunnydb/contracts';
import type { Messaging } from '@bunnydb/messaging';
import { type ConnectionSettings, connectClient, toMirrorError } from '@bunnydb/pg-client';
import { quoteIdentifier } from '@bunnydb/pg-model';
import { deleteChangeStream } from './change-stream.js';
import { removeDdlEvents } from './ddl-events.js';
import { dropSlot } from './drop-slot.js';

export interface CleanSourceOptions {
  readonly messaging: Messaging;
  readonly settings: ConnectionSettings;
  readonly spec: MirrorSpec;
  /** Give up on a server that is out of reach or refuses, and say what is left there. */
  readonly force: boolean;
  readonly signal: AbortSignal;
}

/**
 * Removes the slot, the publication if it is ours, the event triggers, and the change stream. The slot goes first: it is what holds WAL back.
 *
 * @returns what could not be removed; empty unless `force`.
 */
export async function cleanSource(options: CleanSourceOptions): Promise<readonly string[]> {
  const left = await cleanServer(options);
  await deleteChangeStream(options.messaging, options.spec.id);
  return left;
}

async function cleanServer(options: CleanSourceOptions): Promise<readonly string[]> {
  const { settings, spec, force } = options;
  const left = new Set([`replication slot ${spec.slot_name}`]);
  if (!spec.own_publication) left.add(`publication ${spec.publication_name}`);
  if (spec.options.ddl_event_trigger) left.add(EVENT_TRIGGERS);
  try {
    const client = await connectClient(settings, { role: 'source' });
    try {
      await dropSlot(client, spec.slot_name, options.signal);
      left.delete(`replication slot ${spec.slot_name}`);
      if (!spec.own_publication) {
        await client.query(`drop publication if exists ${quoteIdentifier(spec.publication_name)}`);
        left.delete(`publication ${spec.publication_name}`);
      }
      await removeDdlEvents(client, spec.id, options.signal);
      left.delete(EVENT_TRIGGERS);
    } finally {
      await client.end().catch(() => undefined);
    }
  } catch (error) {
    if (!force) throw toMirrorError(error, { role: 'source', slot: spec.slot_name });
  }
  return [...left];
}

const EVENT_TRIGGERS = 'event triggers of the mirror and schema _bunny';
