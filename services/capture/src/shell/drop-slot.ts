import { setTimeout as sleep } from 'node:timers/promises';
import { MirrorError } from '@bunnydb/failure';
import { toMirrorError } from '@bunnydb/pg-client';
import type pg from 'pg';

/**
 * Ends the slot's reader if it has one (the session of this mirror is over, so it can only be a left-over), then drops the slot. One that is not
 * there is dropped already.
 *
 * @throws MirrorError `slot_in_use` when it is read again and again.
 */
export async function dropSlot(
  client: pg.Client,
  slotName: string,
  signal: AbortSignal,
): Promise<void> {
  const deadline = Date.now() + RELEASE_MS;
  for (;;) {
    const { rows } = await client.query<{ active_pid: number | null; database: string }>(
      'select active_pid, database from pg_catalog.pg_replication_slots where slot_name = $1',
      [slotName],
    );
    const slot = rows[0];
    if (!slot) return;
    if (slot.active_pid === null && (await dropped(client, slotName))) return;
    if (signal.aborted || Date.now() >= deadline) {
      throw new MirrorError('slot_in_use', 'the replication slot is still being read', {
        detail: { slot: slotName },
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

const RELEASE_MS = 30_000;
const RELEASE_POLL_MS = 100;
