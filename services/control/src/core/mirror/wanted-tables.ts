import type { TableMapping, TableWish } from '@bunnydb/contracts';
import { formatQualifiedName, parseQualifiedName, standsForMany } from '@bunnydb/pg-model';
import { isSameMapping } from './find-table.js';
import type { MirrorFacts } from './mirror-state.js';

/** Table wishes, sorted by what has to be asked of the servers. */
export interface SortedWishes {
  /** Of tables that the mirror has; whether the mapping is the same is judged later. */
  readonly present: readonly TableMapping[];
  readonly named: readonly TableWish[];
  readonly patterns: readonly TableWish[];
}

/** Sorts wishes, so that a mirror's own tables need no look at a server. */
export function sortWishes(wishes: readonly TableWish[], mirror: MirrorFacts): SortedWishes {
  const known = byName(mirror.tables);
  const patterns = wishes.filter(({ source }) => standsForMany(source));
  const names = wishes.filter(({ source }) => !standsForMany(source));
  return {
    present: names.flatMap((wish) => {
      const table = known.get(wish.source);
      if (!table) return [];
      const wanted = mappingOf(wish);
      // Columns and filters of an own publication come from there.
      const isAdopted = mirror.ownPublication && !wish.row_filter && !wish.exclude_columns;
      const alike = isAdopted ? { ...table, destination: wanted.destination } : wanted;
      return [isSameMapping(alike, table) ? table : wanted];
    }),
    named: names.filter(({ source }) => !known.has(source)),
    patterns,
  };
}

/** Of what patterns stand for: the tables that the mirror has, and wishes for those that it lacks. */
export function splitResolved(
  resolved: readonly TableMapping[],
  mirror: MirrorFacts,
): { readonly present: readonly TableMapping[]; readonly added: readonly TableWish[] } {
  const known = byName(mirror.tables);
  const isHere = ({ source }: TableMapping) => known.has(formatQualifiedName(source));
  return {
    present: resolved.filter(isHere).map((table) => {
      const here = known.get(formatQualifiedName(table.source)) ?? table;
      // A pattern does not change how a table is mirrored, unless it would go elsewhere.
      const isSamePlace =
        formatQualifiedName(here.destination) === formatQualifiedName(table.destination);
      return isSamePlace ? here : table;
    }),
    added: resolved.filter((table) => !isHere(table)).map(wishOf),
  };
}

/** The tables that a mirror shall have: those that stay in their order, then the new ones. A name wins over a pattern. */
export function wantedTables(
  mirror: MirrorFacts,
  named: readonly TableMapping[],
  byPattern: readonly TableMapping[],
  added: readonly TableMapping[],
): readonly TableMapping[] {
  const wanted = byName([...byPattern, ...named]);
  const kept = mirror.tables.flatMap((present) => {
    const table = wanted.get(formatQualifiedName(present.source));
    if (!table) return [];
    // What is known of it beside what people say stays known.
    return [isSameMapping(present, table) ? present : table];
  });
  return [...kept, ...added];
}

function mappingOf(wish: TableWish): TableMapping {
  const source = parseQualifiedName(wish.source);
  return {
    source,
    destination: wish.destination === undefined ? source : parseQualifiedName(wish.destination),
    exclude_columns: wish.exclude_columns ?? [],
    ...(wish.row_filter === undefined ? {} : { row_filter: wish.row_filter }),
  };
}

function wishOf({ source, destination, exclude_columns, row_filter }: TableMapping): TableWish {
  return {
    source: formatQualifiedName(source),
    destination: formatQualifiedName(destination),
    ...(exclude_columns.length === 0 ? {} : { exclude_columns }),
    ...(row_filter === undefined ? {} : { row_filter }),
  };
}

function byName(tables: readonly TableMapping[]): ReadonlyMap<string, TableMapping> {
  return new Map(tables.map((table) => [formatQualifiedName(table.source), table]));
}
