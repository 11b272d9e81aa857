import type { TableMapping } from '@bunnydb/contracts';
import { type QualifiedName, formatQualifiedName } from '@bunnydb/pg-model';
import { partitionName } from './column-ddl.js';
import type { TablePlace } from './poll-policy.js';
import { keyOf } from './relation-facts.js';
import type { StructureModel } from './structure-model.js';

/** Where the tables that are ready stand, and the partitions below them, by their names at the destination. */
export function placesOf(
  mappings: readonly TableMapping[],
  source: StructureModel,
  ready: readonly (QualifiedName & { readonly state: string })[],
): readonly TablePlace[] {
  const mappingOf = new Map(mappings.map((mapping) => [keyOf(mapping.source), mapping]));
  const stateOf = new Map(ready.map((table) => [keyOf(table), table.state]));
  return source.relations.flatMap(({ name, root }) => {
    const mapping = mappingOf.get(keyOf(root));
    const state = stateOf.get(keyOf(root));
    if (mapping === undefined || state === undefined) return [];
    return [{ table: formatQualifiedName(partitionName(name, root, mapping.destination)), state }];
  });
}
