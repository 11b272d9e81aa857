import type { MirrorSpec } from '@bunnydb/contracts';
import { formatQualifiedName } from '@bunnydb/pg-model';
import type { RelationScope } from './relation.js';

/**
 * What the mirror takes of its publication. A publication of our own holds the mirror's tables and nothing else, so all that it sends is
 * wanted, also under a name that changed meanwhile. A publication of the user's may hold more: then a table is known by its
 * name in the mirror, and once it was seen, by its OID, so that a rename does not lose it silently.
 */
export function mirrorScope(spec: MirrorSpec): RelationScope {
  const excluded = new Map(
    spec.tables.map((table) => [formatQualifiedName(table.source), new Set(table.exclude_columns)]),
  );
  // Rows from before a table was renamed come under its name of then.
  for (const table of spec.tables) {
    for (const former of (table.former_sources ?? []).map(formatQualifiedName)) {
      if (!excluded.has(former)) excluded.set(former, new Set(table.exclude_columns));
    }
  }
  const known = new Set<number>();
  return {
    wants: (table, oid) => {
      if (!spec.own_publication) return true;
      if (excluded.has(formatQualifiedName(table))) known.add(oid);
      return known.has(oid);
    },
    names: (table) => excluded.has(formatQualifiedName(table)),
    excludes: (table, column) => excluded.get(formatQualifiedName(table))?.has(column) ?? false,
  };
}
