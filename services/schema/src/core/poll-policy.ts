import { type ChangeKind, type StructureChange, isExtra } from './structure-change.js';

/** Where a destination table's changes go, as far as it matters here. */
export interface TablePlace {
  /** As `StructureChange.table` names it. */
  readonly table: string;
  readonly state: string;
}

/**
 * Whether a poll makes the change by itself. What may lose data, or what only the destination has, is a person's decision. What changes the shape of
 * rows belongs to a place in the stream, where it comes with the values of the rows that were there; once the table is held for it, nothing is written into
 * it, and the change may take as long as it takes.
 */
export function isMadeByPoll(change: StructureChange, places: readonly TablePlace[]): boolean {
  if (change.destructive || isExtra(change)) return false;
  // What stands there under the name is the destination's own.
  if (change.overwrites === true && REPLACING_KINDS.has(change.kind)) return false;
  const place = places.find((candidate) => candidate.table === change.table);
  if (change.table !== '' && place === undefined) return false;
  // What waits in the lane may be older than a rule that the source has now.
  if (place !== undefined && place.state !== 'running' && TIGHTENING_KINDS.has(change.kind))
    return false;
  return isInLane(place) || !SHAPE_KINDS.has(change.kind);
}

/**
 * Whether rows that come before the change may not fit what it makes: it refuses some, or gives a value to those that lack the column. And an index that the
 * source has dropped may be what rows from before are looked up by; a table into which nothing is written needs none.
 */
export function waitsForStream(
  { kind, table }: Pick<StructureChange, 'kind' | 'table'>,
  places: readonly TablePlace[],
): boolean {
  if (TIGHTENING_KINDS.has(kind)) return true;
  const place = places.find((candidate) => candidate.table === table);
  return LOOKUP_KINDS.has(kind) && !isInLane(place);
}

/** Tables that changes go to and that lack a part of the source's shape; names of destination tables. */
export function tablesOfOldShape(
  changes: readonly StructureChange[],
  places: readonly TablePlace[],
): readonly string[] {
  const running = places.filter((place) => place.state === 'running').map((place) => place.table);
  const asked = changes.filter((change) => SHAPE_KINDS.has(change.kind) && !isExtra(change));
  return running.filter((table) => asked.some((change) => change.table === table));
}

/**
 * Tables that were held and have nothing left that would have to be made: their lanes may go on. A table for which nothing was made is held for
 * something else.
 */
export function releasedTables(
  made: readonly StructureChange[],
  left: readonly StructureChange[],
  places: readonly TablePlace[],
): readonly string[] {
  const isAbout = (changes: readonly StructureChange[], table: string): boolean =>
    changes.some((change) => change.table === table || change.table === '');
  const waits = left.filter((change) => !isExtra(change) && SHAPE_KINDS.has(change.kind));
  // One that has to be copied comes back by its copy.
  const isCopied = (table: string): boolean =>
    made.some((change) => change.needsCopy === true && change.table === table);
  return places
    .filter(
      (place) =>
        isInLane(place) &&
        isAbout(made, place.table) &&
        !isAbout(waits, place.table) &&
        !isCopied(place.table),
    )
    .map(({ table }) => table);
}

/** What is held, or has failed: a copy that found no column for what it should bring, say. */
function isInLane(place: TablePlace | undefined): boolean {
  return place?.state === 'held' || place?.state === 'error';
}

const SHAPE_KINDS: ReadonlySet<ChangeKind> = new Set([
  'rename_column',
  'add_column',
  'alter_type',
  'set_generated',
  'drop_generated',
  'replace_column',
]);

const TIGHTENING_KINDS: ReadonlySet<ChangeKind> = new Set([
  'set_default',
  'drop_default',
  'set_not_null',
  'add_identity',
  'alter_domain',
  'rename_enum_value',
  'add_primary_key',
  'add_unique',
  'add_exclusion',
  'replace_constraint',
  'create_unique_index',
  'add_check',
  'replace_check',
  'add_foreign_key',
  'replace_foreign_key',
]);

const LOOKUP_KINDS: ReadonlySet<ChangeKind> = new Set(['drop_constraint', 'drop_index']);

const REPLACING_KINDS: ReadonlySet<ChangeKind> = new Set([
  'alter_domain',
  'replace_constraint',
  'replace_index',
  'replace_check',
  'replace_foreign_key',
  'replace_statistics',
]);
