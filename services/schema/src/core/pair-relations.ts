import type { TableMapping } from '@bunnydb/contracts';
import { type QualifiedName, formatQualifiedName } from '@bunnydb/pg-model';
import { partitionName } from './column-ddl.js';
import type { ColumnNames } from './column-names.js';
import { renameWholeRow } from './expression-names.js';
import { keyOf } from './relation-facts.js';
import type { RelationStructure, StructureModel } from './structure-model.js';
import type { DiffSink, TablePair } from './table-pair.js';

/** Where a source table is at the destination; undefined for one outside the mirror. */
export type FindDestination = (source: QualifiedName) => QualifiedName | undefined;

/** A partition of a mapped table that only the source has. */
export interface MissingPartition {
  readonly mapping: TableMapping;
  readonly source: RelationStructure;
  readonly name: QualifiedName;
}

export interface PairedRelations {
  readonly pairs: readonly TablePair[];
  readonly findDestination: FindDestination;
  /** Parents before their children. */
  readonly missingPartitions: readonly MissingPartition[];
}

/** Puts each source table and partition beside what stands for it at the destination, and tells what is missing on either side. */
export function pairRelations(
  source: StructureModel,
  destination: StructureModel,
  mappings: readonly TableMapping[],
  names: ColumnNames,
  sink: DiffSink,
): PairedRelations {
  const theirs = new Map(destination.relations.map((relation) => [keyOf(relation.name), relation]));
  const mappingOf = new Map(mappings.map((mapping) => [keyOf(mapping.source), mapping]));
  const childrenOf = groupChildren(destination.relations);
  const destinationOf = new Map<string, QualifiedName>();
  const pairs: TablePair[] = [];
  const missingPartitions: MissingPartition[] = [];
  const seen = new Set<string>();
  for (const relation of source.relations) {
    const mapping = mappingOf.get(keyOf(relation.root));
    if (mapping === undefined) continue;
    seen.add(keyOf(relation.name));
    const name = partitionName(relation.name, relation.root, mapping.destination);
    const match = theirs.get(keyOf(name));
    if (match) {
      destinationOf.set(keyOf(relation.name), name);
      const below = descendantsOf(match, childrenOf);
      pairs.push({
        mapping,
        source: withRowOf(relation, relation.name.table, name.table),
        destination: withRowOf(match, name.table, name.table),
        leaves: below.filter((other) => !other.isPartitioned),
        branches: below.filter((other) => other.isPartitioned),
        names: names.of(mapping.source),
      });
    } else if (relation.isRoot) {
      const reason = 'the destination lacks the table';
      sink.notes.push({ object: formatQualifiedName(name), reason });
    } else missingPartitions.push({ mapping, source: relation, name });
  }
  for (const mapping of mappings) {
    if (seen.has(keyOf(mapping.source))) continue;
    const reason =
      'the source has no such table any more; the rows stay at the destination, and PUT …/tables without it takes it out of the mirror';
    sink.notes.push({ object: formatQualifiedName(mapping.source), reason });
  }
  return {
    pairs,
    findDestination: (name) => destinationOf.get(keyOf(name)),
    missingPartitions,
  };
}

/** A relation whose expressions that take the whole row call it by the destination's name. */
function withRowOf(relation: RelationStructure, from: string, to: string): RelationStructure {
  const rename = (text: string): string => renameWholeRow(text, from, to);
  return {
    ...relation,
    indexes: relation.indexes.map((index) => ({ ...index, body: rename(index.body) })),
    constraints: relation.constraints.map((constraint) => ({
      ...constraint,
      definition: rename(constraint.definition),
      expression: constraint.expression && rename(constraint.expression),
    })),
    statistics: relation.statistics.map((object) => ({ ...object, body: rename(object.body) })),
  };
}

function groupChildren(
  relations: readonly RelationStructure[],
): ReadonlyMap<string, readonly RelationStructure[]> {
  const groups = new Map<string, RelationStructure[]>();
  for (const relation of relations) {
    if (relation.partition === null) continue;
    const parent = keyOf(relation.partition.parent);
    const group = groups.get(parent);
    if (group) group.push(relation);
    else groups.set(parent, [relation]);
  }
  return groups;
}

/** All partitions below, each after those below itself. */
function descendantsOf(
  relation: RelationStructure,
  childrenOf: ReadonlyMap<string, readonly RelationStructure[]>,
): readonly RelationStructure[] {
  return (childrenOf.get(keyOf(relation.name)) ?? []).flatMap((child) => [
    ...descendantsOf(child, childrenOf),
    child,
  ]);
}
