import type {
  SchemaChange,
  SchemaChangeOutcome,
  SchemaDiffReply,
  SchemaSyncReply,
} from '@bunnydb/contracts';
import { MirrorError } from '@bunnydb/failure';
import { formatQualifiedName } from '@bunnydb/pg-model';
import { fitReply } from '../core/fit-reply.js';
import { type ChangeWishes, selectChanges } from '../core/select-changes.js';
import { type StructureChange, isExtra } from '../core/structure-change.js';
import { type CompareOptions, compareWith, readSourceStructure } from './compare-structure.js';
import { makeChange } from './make-change.js';
import { withPeer } from './peer-session.js';
import { lockStructure, withBuilder } from './structure-session.js';

/** What a mirror's destination lacks of its source now. Nothing is changed. */
export async function diffMirror(options: CompareOptions): Promise<SchemaDiffReply> {
  const { spec, openSecret, signal } = options;
  const source = await readSourceStructure(options);
  const { changes, notes } = await withPeer(
    { peer: spec.destination, role: 'destination', openSecret, signal },
    (client) => compareWith(source, spec, client),
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
}

/**
 * Makes the pending changes that a person asked for, one by one. The first that fails ends it: what was made stays, and the rest is told as skipped. When an
 * id is no longer pending nothing is done, since the person decided on something else.
 */
export async function syncMirror(options: SyncOptions): Promise<SchemaSyncReply> {
  const { spec, signal, wishes } = options;
  const source = await readSourceStructure(options);
  return await withBuilder(options, async (client) => {
    if (wishes.dry_run !== true) await lockStructure(client, spec);
    const { changes } = await compareWith(source, spec, client);
    const { selected, skipped, stale, unknownGroups } = selectChanges(changes, wishes);
    refuseUnknownGroups(unknownGroups);
    const told: SchemaChangeOutcome[] = skipped.map(({ change, outcome }) =>
      withOutcome(change, outcome),
    );
    if (stale.length > 0) return syncReply([], told, [], stale);
    if (wishes.dry_run === true) {
      const dry = selected.map((change) => withOutcome(change, 'dry run'));
      return syncReply([], [...dry, ...told], [], stale);
    }
    const applied: SchemaChange[] = [];
    const failed: SchemaChangeOutcome[] = [];
    for (const change of selected) {
      signal.throwIfAborted();
      if (failed.length > 0) {
        told.push(withOutcome(change, 'a change before it failed'));
        continue;
      }
      const outcome = await makeChange(client, change, signal);
      if (outcome.tag === 'made') applied.push(schemaChangeOf(change));
      else failed.push(withOutcome(change, outcome.reason));
    }
    return syncReply(applied, told, failed, stale);
  });
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
