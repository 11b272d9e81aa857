import type { TableMapping, TablePattern } from '@bunnydb/contracts';
import { type RelationFacts, type RelationIndex, keyOf } from './relation-facts.js';
import { resolveWishes } from './resolve-wishes.js';

/**
 * Tables of the source that fit a pattern of the mirror, can be replicated, and are not in it yet. One without a replica identity is left out: published, the
 * source would refuse the application's own updates of it.
 */
export function appearedTables(
  patterns: readonly TablePattern[],
  known: readonly TableMapping[],
  relations: RelationIndex,
): readonly TableMapping[] {
  const wishes = patterns.map((pattern) => ({
    source: `${wishPart(pattern.source_schema)}.*`,
    exclude_columns: pattern.exclude_columns,
    except: pattern.except,
    ...(pattern.destination_schema === '*'
      ? {}
      : { destination: `${wishPart(pattern.destination_schema)}.*` }),
  }));
  const sources = new Set(known.map((table) => keyOf(table.source)));
  const destinations = new Set(known.map((table) => keyOf(table.destination)));
  return resolveWishes(wishes, false, relations).tables.filter((table) => {
    if (sources.has(keyOf(table.source))) return false;
    const relation = relations.find(table.source);
    if (!relation?.canSelect || isBelowKnown(relation, sources, relations)) return false;
    if (!relations.leavesOf(relation).every((leaf) => canJoin(leaf, table))) return false;
    // Two tables of one destination: the first keeps it.
    const isFree = !destinations.has(keyOf(table.destination));
    destinations.add(keyOf(table.destination));
    return isFree;
  });
}

function canJoin(leaf: RelationFacts, table: TableMapping): boolean {
  if (leaf.kind !== 'table' || leaf.persistence !== 'permanent') return false;
  if (leaf.computedIdentity.length > 0) return false;
  if (leaf.replicaIdentity === 'full') return table.exclude_columns.length === 0;
  return (
    leaf.identityColumns.length > 0 &&
    !leaf.identityColumns.some((column) => table.exclude_columns.includes(column))
  );
}

/** The publication speaks for the root of a partition. */
function isBelowKnown(
  relation: RelationFacts,
  known: ReadonlySet<string>,
  relations: RelationIndex,
): boolean {
  let parent = relation.partitionOf;
  while (parent) {
    if (known.has(keyOf(parent))) return true;
    parent = relations.find(parent)?.partitionOf ?? null;
  }
  return false;
}

function wishPart(schema: string): string {
  return schema === '*' ? '*' : `"${schema.replaceAll('"', '""')}"`;
}
