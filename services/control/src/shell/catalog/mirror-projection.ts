import { type Insertable, type Transaction, type Updateable, sql } from 'kysely';
import type { TableMapping } from '@bunnydb/contracts';
import type { Projection, RecordedEvent } from '@bunnydb/event-store';
import { describeFailure } from '@bunnydb/failure';
import { formatQualifiedName } from '@bunnydb/pg-model';
import { type ControlEvent, isMirrorEvent } from '../../core/control-event.js';
import { evolveMirror } from '../../core/mirror/evolve-mirror.js';
import type { MirrorCreated, MirrorEvent } from '../../core/mirror/mirror-event.js';
import { ABSENT_MIRROR, type MirrorState } from '../../core/mirror/mirror-state.js';
import { withoutTableStates } from '../../core/mirror/without-table-states.js';
import { formerNameOf } from '../../core/mirror/moved-tables.js';
import { mirrorStatus } from '../../core/mirror/mirror-status.js';
import { nextWakeAt, outstandingSince, streamingOf } from '../../core/mirror/mirror-steps.js';
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
      // Tables are many and their states do not steer the mirror: the row of the mirror stays as it is, but for the count of failures.
      case 'table_state_changed':
        if (event.body.status === 'error') await countError(tx, mirrorId);
        return updateTable(tx, mirrorId, event.body, recordedAt);
      case 'structure_compared':
        return notePending(tx, mirrorId, event.body.pending, recordedAt);
      case 'position_restarted':
        return restartMirror(tx, mirrorId, event, recordedAt);
      case 'tables_changed':
        await updateMirror(tx, mirrorId, event, recordedAt);
        return changeTables(tx, mirrorId, event.body, recordedAt);
      default:
        await updateMirror(tx, mirrorId, event, recordedAt);
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
  await insertTables(tx, body.id, body.tables, 0, at);
}

async function insertTables(
  tx: Tx,
  mirrorId: string,
  tables: readonly TableMapping[],
  firstOrdinal: number,
  at: Date,
): Promise<void> {
  const rows = tables.map((table, index) => ({
    mirror_id: mirrorId,
    source_table: formatQualifiedName(table.source),
    destination_table: formatQualifiedName(table.destination),
    ordinal: firstOrdinal + index,
    status: 'pending' as const,
    error_message: null,
    next_retry_at: null,
    updated_at: at,
  }));
  // A statement holds at most 65535 parameters.
  for (let start = 0; start < rows.length; start += 5_000) {
    await tx
      .insertInto('mirror_tables')
      .values(rows.slice(start, start + 5_000))
      .execute();
  }
}

async function changeTables(
  tx: Tx,
  mirrorId: string,
  { added, removed }: Extract<MirrorEvent, { type: 'tables_changed' }>['body'],
  at: Date,
): Promise<void> {
  const moved = added.flatMap((table) => {
    const former = formerNameOf(table, removed);
    return former === undefined ? [] : [{ table, former }];
  });
  for (const { table, former } of moved) {
    await tx
      .updateTable('mirror_tables')
      .set({
        source_table: formatQualifiedName(table.source),
        destination_table: formatQualifiedName(table.destination),
        updated_at: at,
      })
      .where('mirror_id', '=', mirrorId)
      .where('source_table', '=', former)
      .execute();
  }
  if (removed.length > 0) {
    await tx
      .deleteFrom('mirror_tables')
      .where('mirror_id', '=', mirrorId)
      .where('source_table', '=', sql<string>`any(${removed}::text[])`)
      .execute();
  }
  const last = await tx
    .selectFrom('mirror_tables')
    .select((column) => column.fn.max('ordinal').as('ordinal'))
    .where('mirror_id', '=', mirrorId)
    .executeTakeFirst();
  const fresh = added.filter((table) => formerNameOf(table, removed) === undefined);
  await insertTables(tx, mirrorId, fresh, (last?.ordinal ?? -1) + 1, at);
}

/** Differences between source and destination do not steer the mirror. */
async function notePending(tx: Tx, mirrorId: string, pending: number, at: Date): Promise<void> {
  await tx
    .updateTable('mirrors')
    .set({ pending_schema_changes: pending, updated_at: at })
    .where('mirror_id', '=', mirrorId)
    .execute();
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
      error_message: body.failure ? `${describeFailure(body.failure)}: ${body.failure.hint}` : null,
      next_retry_at: body.next_retry_at ? new Date(body.next_retry_at) : null,
      updated_at: at,
      ...(body.rows === undefined ? {} : { rows_copied: BigInt(Math.trunc(body.rows)) }),
    })
    .where('mirror_id', '=', mirrorId)
    .where('source_table', '=', body.table)
    .execute();
}

/** Every table is on its way again, whatever was told of it before; unless the answer is one that came a second time. */
async function restartMirror(
  tx: Tx,
  mirrorId: string,
  event: Extract<MirrorEvent, { type: 'position_restarted' }>,
  at: Date,
): Promise<void> {
  const states = await updateMirror(tx, mirrorId, event, at);
  const isAwaited =
    states && streamingOf(states.before)?.rebuild && !streamingOf(states.after)?.rebuild;
  if (!isAwaited) return;
  await tx
    .updateTable('mirror_tables')
    .set({ status: 'resyncing', error_message: null, next_retry_at: null, updated_at: at })
    .where('mirror_id', '=', mirrorId)
    .execute();
}

async function updateMirror(
  tx: Tx,
  mirrorId: string,
  event: MirrorEvent,
  at: Date,
): Promise<{ readonly before: MirrorState; readonly after: MirrorState } | undefined> {
  const row = await tx
    .selectFrom('mirrors')
    .select(['state', 'config', 'error_count'])
    .where('mirror_id', '=', mirrorId)
    .executeTakeFirst();
  if (!row) return undefined;
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
  return { before: row.state, after: state };
}

async function countError(tx: Tx, mirrorId: string): Promise<void> {
  await tx
    .updateTable('mirrors')
    .set((row) => ({ error_count: row('error_count', '+', 1) }))
    .where('mirror_id', '=', mirrorId)
    .execute();
}

function stateColumns(state: MirrorState): Updateable<CatalogTables['mirrors']> {
  const wakeAt = nextWakeAt(state);
  const since = outstandingSince(state);
  return {
    // Tables outside the main lane have rows of their own.
    state: JSON.stringify(withoutTableStates(state)),
    status: mirrorStatus(state),
    wake_at: wakeAt === null ? null : new Date(wakeAt),
    outstanding_since: since === null ? null : new Date(since),
  };
}
