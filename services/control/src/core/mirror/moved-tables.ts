import type { TableMapping } from '@bunnydb/contracts';
import { type QualifiedName, formatQualifiedName } from '@bunnydb/pg-model';
import type { MirrorEvent } from './mirror-event.js';
import type { MirrorState, MovedTable } from './mirror-state.js';

/**
 * A mirror that follows by itself follows its tables to their new names, by an edit of its own, and nothing is copied again. Tables that are gone leave it when it stands for whatever there is; one
 * that was named stays, until the person who named it takes it out or the table comes back.
 */
export function movedTables(state: MirrorState): readonly MirrorEvent[] {
  if (state.tag !== 'streaming' || state.copy !== 'done') return [];
  const { mirror, edit, resync, moved = [] } = state;
  if (edit || resync || mirror.options.schema_changes !== 'auto') return [];
  const patterns = mirror.patterns ?? [];
  const wanted = new Map(moved.map(({ table, to }) => [formatQualifiedName(table), to]));
  const sources = new Set(mirror.tables.map(({ source }) => formatQualifiedName(source)));
  const added: TableMapping[] = [];
  const removed: string[] = [];
  const tables = mirror.tables.flatMap((mapping): readonly TableMapping[] => {
    const name = formatQualifiedName(mapping.source);
    const to = wanted.get(name);
    if (to === undefined) return [mapping];
    // A table that came into the mirror under its new name is there already.
    const isThere = to === null || sources.has(formatQualifiedName(to));
    if (isThere && patterns.length === 0) return [mapping];
    removed.push(name);
    if (isThere || to === null) return [];
    const next = movedMapping(mapping, to, mirror.tables);
    added.push(next);
    return [next];
  });
  if (removed.length === 0 || tables.length === 0) return [];
  return [
    {
      type: 'tables_change_requested',
      body: {
        tables,
        patterns,
        added: added.map(({ source }) => formatQualifiedName(source)),
        removed,
        drop_removed: false,
        asked_by: 'source',
      },
    },
  ];
}

/** Adds what was told to what is waiting: the last word about a table counts. */
export function withMoved(
  waiting: readonly MovedTable[],
  told: readonly MovedTable[],
): readonly MovedTable[] {
  const names = new Set(told.map(({ table }) => formatQualifiedName(table)));
  return [...waiting.filter(({ table }) => !names.has(formatQualifiedName(table))), ...told];
}

/** The name among `removed` that a table which comes in had before; undefined when it is new to the mirror. */
export function formerNameOf(
  mapping: TableMapping,
  removed: readonly string[],
): string | undefined {
  return (mapping.former_sources ?? [])
    .map(formatQualifiedName)
    .toReversed()
    .find((name) => removed.includes(name));
}

/** The destination's name goes with the source's as far as they were the same, unless it is another table's. */
function movedMapping(
  mapping: TableMapping,
  to: QualifiedName,
  tables: readonly TableMapping[],
): TableMapping {
  const { source, destination } = mapping;
  const wanted: QualifiedName = {
    schema: destination.schema === source.schema ? to.schema : destination.schema,
    table: destination.table === source.table ? to.table : destination.table,
  };
  const isTaken = tables.some((other) => other !== mapping && isSame(other.destination, wanted));
  const isMoving = !isTaken && !isSame(destination, wanted);
  return {
    ...mapping,
    source: to,
    former_sources: [...(mapping.former_sources ?? []), source],
    ...(isMoving
      ? {
          destination: wanted,
          former_destinations: [...(mapping.former_destinations ?? []), destination],
        }
      : {}),
  };
}

function isSame(a: QualifiedName, b: QualifiedName): boolean {
  return a.schema === b.schema && a.table === b.table;
}
