import type { Insertable, Transaction, Updateable } from 'kysely';
import type { Projection, RecordedEvent } from '@bunnydb/event-store';
import { formatQualifiedName } from '@bunnydb/pg-model';
import { type ControlEvent, isMirrorEvent } from '../../core/control-event.js';
import { evolveMirror } from '../../core/mirror/evolve-mirror.js';
import type { MirrorCreated, MirrorEvent } from '../../core/mirror/mirror-event.js';
import { ABSENT_MIRROR, type MirrorState } from '../../core/mirror/mirror-state.js';
import { mirrorStatus } from '../../core/mirror/mirror-status.js';
import { nextWakeAt, outstandingSince } from '../../core/mirror/mirror-steps.js';
import type { CatalogTables } from './catalog-tables.js';

type Tx = Transaction<CatalogTables>;
type Recorded<Event extends ControlEvent> = RecordedEvent<ControlEvent> & {
  readonly event: Event;
};

/** The mirrors as they are now: a row each, with its folded state, until it is dropped. */
export const mirrorProjection: Projection<ControlEvent, CatalogTables> = {
  name: 'mirrors',
  reset: async (tx) => {
    await tx.deleteFrom('mirrors').execute();
    await tx.deleteFrom('mirror_tables').execute();
  },
  handle: async (tx, recorded) => {
    if (!isOfMirror(recorded)) return;
    const mirrorId = recorded.streamId.slice('mirror-'.length);
    const { event, recordedAt } = recorded;
    switch (event.type) {
      case 'mirror_created':
        return insertMirror(tx, event, recordedAt);
      case 'mirror_dropped':
        return deleteMirror(tx, mirrorId);
      // Tables are many and their states do not steer the mirror: the row of the mirror stays untouched.
      case 'table_state_changed':
        return updateTable(tx, mirrorId, event.body, recordedAt);
      default:
        return updateMirror(tx, mirrorId, event, recordedAt);
    }
  },
};

function isOfMirror(recorded: RecordedEvent<ControlEvent>): recorded is Recorded<MirrorEvent> {
  return isMirrorEvent(recorded.event);
}

async function insertMirror(tx: Tx, event: MirrorCreated, at: Date): Promise<void> {
  const { body } = event;
  const state = evolveMirror(ABSENT_MIRROR, event);
  const row: Insertable<CatalogTables['mirrors']> = {
    mirror_id: body.id,
    name: body.name,
    source_peer: body.source_peer,
    destination_peer: body.destination_peer,
    state: JSON.stringify(state),
    config: JSON.stringify(body.config),
    status: mirrorStatus(state),
    wake_at: null,
    outstanding_since: null,
    created_at: at,
    updated_at: at,
  };
  await tx.insertInto('mirrors').values(row).execute();
  const tables = body.tables.map((table, ordinal) => ({
    mirror_id: body.id,
    source_table: formatQualifiedName(table.source),
    destination_table: formatQualifiedName(table.destination),
    ordinal,
    status: 'pending' as const,
    error_message: null,
    updated_at: at,
  }));
  // A statement holds at most 65535 parameters.
  for (let start = 0; start < tables.length; start += 5_000) {
    const page = tables.slice(start, start + 5_000);
    await tx.insertInto('mirror_tables').values(page).execute();
  }
}

async function deleteMirror(tx: Tx, mirrorId: string): Promise<void> {
  await tx.deleteFrom('mirrors').where('mirror_id', '=', mirrorId).execute();
  await tx.deleteFrom('mirror_tables').where('mirror_id', '=', mirrorId).execute();
  await tx.deleteFrom('mirror_logs').where('mirror_id', '=', mirrorId).execute();
  await tx.deleteFrom('mirror_stats').where('mirror_id', '=', mirrorId).execute();
}

async function updateTable(
  tx: Tx,
  mirrorId: string,
  body: Extract<MirrorEvent, { type: 'table_state_changed' }>['body'],
  at: Date,
): Promise<void> {
  await tx
    .updateTable('mirror_tables')
    .set({
      status: body.status,
      error_message: body.failure?.message ?? null,
      updated_at: at,
      ...(body.rows === undefined ? {} : { rows_copied: BigInt(Math.trunc(body.rows)) }),
    })
    .where('mirror_id', '=', mirrorId)
    .where('source_table', '=', body.table)
    .execute();
}

async function updateMirror(tx: Tx, mirrorId: string, event: MirrorEvent, at: Date): Promise<void> {
  const row = await tx
    .selectFrom('mirrors')
    .select(['state', 'config', 'error_count'])
    .where('mirror_id', '=', mirrorId)
    .executeTakeFirst();
  if (!row) return;
  const state = evolveMirror(row.state, event);
  const failed = event.type === 'step_failed' || event.type === 'session_failed';
  await tx
    .updateTable('mirrors')
    .set({
      ...stateColumns(state),
      error_count: row.error_count + (failed ? 1 : 0),
      updated_at: at,
      ...(event.type === 'mirror_options_changed'
        ? { config: JSON.stringify({ ...row.config, ...event.body.options }) }
        : {}),
    })
    .where('mirror_id', '=', mirrorId)
    .execute();
}

function stateColumns(state: MirrorState): Updateable<CatalogTables['mirrors']> {
  const wakeAt = nextWakeAt(state);
  const since = outstandingSince(state);
  return {
    state: JSON.stringify(state),
    status: mirrorStatus(state),
    wake_at: wakeAt === null ? null : new Date(wakeAt),
    outstanding_since: since === null ? null : new Date(since),
  };
}
