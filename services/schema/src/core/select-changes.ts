import { SCHEMA_CHANGE_GROUPS } from '@bunnydb/contracts';
import type { StructureChange } from './structure-change.js';

export interface ChangeWishes {
  /** Ids; all when undefined. */
  readonly changes?: readonly string[] | undefined;
  /** Groups; all when undefined. */
  readonly include?: readonly string[] | undefined;
  readonly allow_destructive?: boolean | undefined;
}

export interface SelectedChanges {
  readonly selected: readonly StructureChange[];
  readonly skipped: readonly { readonly change: StructureChange; readonly outcome: string }[];
  /** Ids asked for that are not pending. */
  readonly stale: readonly string[];
  /** Groups asked for that there are none of. */
  readonly unknownGroups: readonly string[];
}

/** Which of the pending changes a person asked for, in the order in which they have to be made. */
export function selectChanges(
  pending: readonly StructureChange[],
  wishes: ChangeWishes,
): SelectedChanges {
  const ids = wishes.changes && new Set(wishes.changes);
  const groups = wishes.include && new Set(wishes.include);
  const asked = pending.filter(
    (change) => (ids?.has(change.id) ?? true) && (groups?.has(change.group) ?? true),
  );
  const isAllowed = (change: StructureChange): boolean =>
    !change.destructive || wishes.allow_destructive === true;
  const known = new Set(pending.map((change) => change.id));
  const groupNames: readonly string[] = SCHEMA_CHANGE_GROUPS;
  return {
    selected: asked.filter(isAllowed),
    skipped: asked
      .filter((change) => !isAllowed(change))
      .map((change) => ({
        change,
        outcome: 'it may lose data or what only the destination has; allow_destructive allows it',
      })),
    stale: (wishes.changes ?? []).filter((id) => !known.has(id)),
    unknownGroups: (wishes.include ?? []).filter((group) => !groupNames.includes(group)),
  };
}
