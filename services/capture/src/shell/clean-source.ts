import { setTimeout as sleep } from 'node:timers/promises';
import type { MirrorSpec } from '@bunnydb/contracts';
import { MirrorError } from '@bunnydb/failure';
import type { Messaging } from '@bunnydb/messaging';
import { type ConnectionSettings, connectClient, toMirrorError } from '@bunnydb/pg-client';
import { quoteIdentifier } from '@bunnydb/pg-model';
import type pg from 'pg';
import { deleteChangeStream } from './change-stream.js';
import { removeDdlEvents } from './ddl-events.js';

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
      await dropSlot(client, options);
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

/** Ends the slot's reader if it has one (the session of this mirror is over, so it can only be a left-over), then drops the slot. */
async function dropSlot(client: pg.Client, { spec, signal }: CleanSourceOptions): Promise<void> {
  const deadline = Date.now() + RELEASE_MS;
  for (;;) {
    const { rows } = await client.query<{ active_pid: number | null; database: string }>(
      'select active_pid, database from pg_catalog.pg_replication_slots where slot_name = $1',
      [spec.slot_name],
    );
    const slot = rows[0];
    if (!slot) return;
    if (slot.active_pid === null && (await dropped(client, spec.slot_name))) return;
    if (signal.aborted || Date.now() >= deadline) {
      throw new MirrorError('slot_in_use', 'the replication slot is still being read', {
        detail: { slot: spec.slot_name },
      });
    }
    if (slot.active_pid !== null) {
      await client.query('select pg_catalog.pg_terminate_backend($1)', [slot.active_pid]);
    }
    await sleep(RELEASE_POLL_MS);
  }
}

/** False when a reader was faster. */
async function dropped(client: pg.Client, slotName: string): Promise<boolean> {
  try {
    await client.query('select pg_catalog.pg_drop_replication_slot($1)', [slotName]);
    return true;
  } catch (error) {
    const failure = toMirrorError(error, { role: 'source' });
    if (failure.kind === 'slot_missing') return true;
    if (failure.kind === 'slot_in_use') return false;
    throw failure;
  }
}

const EVENT_TRIGGERS = 'event triggers of the mirror and schema _bunny';
const RELEASE_MS = 30_000;
const RELEASE_POLL_MS = 100;
