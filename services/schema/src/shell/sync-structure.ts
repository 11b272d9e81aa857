import type {
  SchemaChange,
  SchemaChangeOutcome,
  SchemaDiffReply,
  SchemaSyncReply,
} from '@bunnydb/contracts';
import { MirrorError, faultPoint } from '@bunnydb/failure';
import { type QualifiedName, formatQualifiedName } from '@bunnydb/pg-model';
import type pg from 'pg';
import { fitReply } from '../core/fit-reply.js';
import { releasedTables } from '../core/poll-policy.js';
import { type ChangeWishes, selectChanges } from '../core/select-changes.js';
import { type StructureChange, droppedBy, isExtra } from '../core/structure-change.js';
import { placesOf } from '../core/table-places.js';
import type { BuildProgress } from './build-structure.js';
import {
  type CompareOptions,
  compareWith,
  noteComparison,
  readSourceStructure,
} from './compare-structure.js';
import { forgetDroppedObjects } from './carried-objects.js';
import { makeChange } from './make-change.js';
import { withPeer } from './peer-session.js';
import { noteCopyNeeded } from './source-table-book.js';
import { findSyncRun, noteSyncRun } from './schema-bookkeeping.js';
import { awaitStructureLock, withBuilder } from './structure-session.js';
import { IndexBuildWatch } from './watch-index-builds.js';

/** What a mirror's destination lacks of its source now. Nothing is changed. */
export async function diffMirror(options: CompareOptions): Promise<SchemaDiffReply> {
  const { spec, openSecret, signal } = options;
  const source = await readSourceStructure(options);
  const { changes, notes } = await withPeer(
    { peer: spec.destination, role: 'destination', openSecret, signal },
    (client) => compareWith(source, options, client),
  );
  const fittingChanges = fitReply(changes.map(schemaChangeOf));
  const fittingNotes = fitReply(notes);
  const tables = fitReply(spec.tables.map((table) => formatQualifiedName(table.destination)));
  return {
    ok: true,
    tables: tables.items,
    changes: fittingChanges.items,
    notes: fittingNotes.items,
    in_sync: changes.every(isExtra),
    left_off: fittingChanges.leftOff + fittingNotes.leftOff,
  };
}

export interface SyncOptions extends CompareOptions {
  readonly wishes: ChangeWishes & { readonly dry_run?: boolean | undefined };
  /** The command that asks, which may be delivered again after a crash. */
  readonly commandId?: string;
  readonly onProgress?: (progress: BuildProgress) => void;
  /** Called with the destination tables that were held for what was made. */
  readonly onReleased?: (tables: readonly string[]) => Promise<void>;
}

/**
 * Makes the pending changes that a person asked for, one by one. The first that fails ends it: what was made stays, and the rest is told as skipped. When an
 * id is no longer pending nothing is done, since the person decided on something else; but for what the same command made before it was cut off.
 */
export async function syncMirror(options: SyncOptions): Promise<SchemaSyncReply> {
  const { spec, signal, wishes, commandId } = options;
  return await withBuilder(options, async (client) => {
    if (wishes.dry_run !== true) await awaitStructureLock(client, spec, signal);
    const source = await readSourceStructure(options);
    const comparison = await compareWith(source, options, client);
    const { changes } = comparison;
    const { selected, skipped, stale, unknownGroups } = selectChanges(changes, wishes);
    refuseUnknownGroups(unknownGroups);
    const told = skipped.map(({ change, outcome }) => withOutcome(change, outcome));
    const before =
      commandId === undefined ? undefined : await findSyncRun(client, spec.id, commandId);
    if (before === undefined && stale.length > 0) return syncReply([], told, [], stale);
    if (wishes.dry_run === true) {
      const dry = selected.map((change) => withOutcome(change, 'dry run'));
      return syncReply([], [...dry, ...told], [], stale);
    }
    if (commandId !== undefined && before === undefined) {
      await noteSyncRun(client, spec.id, commandId, selected.map(schemaChangeOf));
    }
    const run = await makeSelected(client, selected, options);
    const places = placesOf(spec.tables, source, await heldTables(client, spec));
    if (run.made.length > 0) {
      const left = await compareWith(source, options, client, {
        before: comparison,
        dropped: droppedBy(run.made),
      });
      await noteComparison(client, spec, left);
      if (places.length > 0) {
        await options.onReleased?.(releasedTables(run.made, left.changes, places));
      }
    }
    const isPending = new Set(changes.map((change) => change.id));
    const earlier = (before ?? []).filter((change) => !isPending.has(change.id));
    const applied = [...earlier, ...run.made.map(schemaChangeOf)];
    return syncReply(applied, [...run.skipped, ...told], run.failed, []);
  });
}

interface SyncRun {
  readonly made: readonly StructureChange[];
  readonly skipped: readonly SchemaChangeOutcome[];
  readonly failed: readonly SchemaChangeOutcome[];
}

async function makeSelected(
  client: pg.Client,
  selected: readonly StructureChange[],
  options: SyncOptions,
): Promise<SyncRun> {
  const { signal, onProgress = () => undefined } = options;
  const total = selected.length;
  const [made, skipped, failed] = [
    [] as StructureChange[],
    [] as SchemaChangeOutcome[],
    [] as SchemaChangeOutcome[],
  ];
  const watch = new IndexBuildWatch(options, (object, detail) =>
    onProgress({ done: made.length, total, object, detail }),
  );
  for (const change of selected) {
    signal.throwIfAborted();
    if (failed.length > 0) {
      skipped.push(withOutcome(change, 'a change before it failed'));
      continue;
    }
    const { object } = change;
    onProgress({ done: made.length, total, object });
    if (change.needsCopy === true) await noteCopyNeeded(client, options.spec, [change.table]);
    const outcome = await watch.during(client, object, () => makeChange(client, change, signal));
    if (outcome.tag === 'made') {
      made.push(change);
      await forgetDroppedObjects(client, options.spec, droppedBy([change]));
    } else failed.push(withOutcome(change, outcome.reason));
    faultPoint('schema.between_changes');
  }
  return { made, skipped, failed };
}

/** Tables that wait for a change of structure, if an applier has been at this destination. */
async function heldTables(
  client: pg.Client,
  spec: CompareOptions['spec'],
): Promise<readonly (QualifiedName & { readonly state: string })[]> {
  const { rows: there } = await client.query<{ exists: boolean }>(
    `select pg_catalog.to_regclass('_bunny.table_state') is not null as exists`,
  );
  if (there[0]?.exists !== true) return [];
  const { rows } = await client.query<QualifiedName & { readonly state: string }>(
    `select source_schema as schema, source_table as table, state from _bunny.table_state
      where mirror_id = $1 and state = 'held'`,
    [spec.id],
  );
  return rows;
}

function syncReply(
  applied: readonly SchemaChange[],
  skipped: readonly SchemaChangeOutcome[],
  failed: readonly SchemaChangeOutcome[],
  stale: readonly string[],
): SchemaSyncReply {
  const [made, left] = [fitReply(applied), fitReply(skipped)];
  const leftOff = made.leftOff + left.leftOff;
  return { ok: true, applied: made.items, skipped: left.items, failed, stale, left_off: leftOff };
}

function refuseUnknownGroups(groups: readonly string[]): void {
  if (groups.length === 0) return;
  throw new MirrorError('invalid_input', 'include names what is no group of changes', {
    detail: { groups },
  });
}

function schemaChangeOf(change: StructureChange): SchemaChange {
  const { id, kind, group, object, sql, destructive, locks, reason } = change;
  return { id, kind, group, object, sql, destructive, locks, reason };
}

function withOutcome(change: StructureChange, outcome: string): SchemaChangeOutcome {
  return { ...schemaChangeOf(change), outcome };
}
