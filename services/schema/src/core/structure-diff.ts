import type { TableMapping } from '@bunnydb/contracts';
import { type QualifiedName, formatQualifiedName, quoteIdentifier } from '@bunnydb/pg-model';
import { type ColumnNames, NO_COLUMN_NAMES } from './column-names.js';
import { Counterparts } from './counterparts.js';
import { diffColumns } from './diff-columns.js';
import { diffConstraints } from './diff-constraints.js';
import { type FindDestination, diffForeignKeys } from './diff-foreign-keys.js';
import { diffIndexes, indexNames } from './diff-indexes.js';
import { keyOf } from './relation-facts.js';
import { type StructureDiff, changeOf, online, orderChanges } from './structure-change.js';
import type { RelationStructure, StructureModel } from './structure-model.js';
import { partitionName } from './column-ddl.js';
import { type DiffOptions, type DiffSink, NameBook, type TablePair } from './table-pair.js';

/**
 * What makes the destination's structure the source's, as far as the mapping and the options ask for it: changes in the order in which they can be
 * made, and notes about what no change makes equal. Definitions are put together from what the catalogs say of their parts; where PostgreSQL
 * writes a part it names no mapped table, so no text is ever searched for a name.
 */
export function diffStructure(
  source: StructureModel,
  destination: StructureModel,
  mappings: readonly TableMapping[],
  options: DiffOptions,
  names: ColumnNames = NO_COLUMN_NAMES,
): StructureDiff {
  const sink: DiffSink = {
    changes: [],
    notes: [],
    names: new NameBook(indexNames(destination.relations)),
    counterparts: new Counterparts(),
  };
  const { pairs, findDestination } = pairRelations(source, destination, mappings, names, sink);
  if (options.indexes) diffExtensions(source, destination, sink);
  for (const pair of pairs) {
    if (pair.source.isRoot) diffColumns(pair, options, sink);
    if (options.indexes) {
      diffConstraints(pair, 'keys', sink);
      diffIndexes(pair, sink);
    }
    if (options.checks) diffConstraints(pair, 'checks', sink);
    if (options.foreignKeys && options.foreignKeyStrategy !== 'none') {
      diffForeignKeys(pair, options, findDestination, sink);
    }
  }
  return { changes: orderChanges(sink.changes), notes: sink.notes };
}

function pairRelations(
  source: StructureModel,
  destination: StructureModel,
  mappings: readonly TableMapping[],
  names: ColumnNames,
  sink: DiffSink,
): { readonly pairs: readonly TablePair[]; readonly findDestination: FindDestination } {
  const theirs = new Map(destination.relations.map((relation) => [keyOf(relation.name), relation]));
  const mappingOf = new Map(mappings.map((mapping) => [keyOf(mapping.source), mapping]));
  const leavesOf = groupLeaves(destination.relations);
  const destinationOf = new Map<string, QualifiedName>();
  const pairs: TablePair[] = [];
  const seen = new Set<string>();
  for (const relation of source.relations) {
    const mapping = mappingOf.get(keyOf(relation.root));
    if (mapping === undefined) continue;
    seen.add(keyOf(relation.name));
    const name = partitionName(relation.name, relation.root, mapping.destination);
    const match = theirs.get(keyOf(name));
    if (match) {
      destinationOf.set(keyOf(relation.name), name);
      const leaves =
        relation.isRoot && match.isPartitioned ? (leavesOf.get(keyOf(match.root)) ?? []) : [];
      pairs.push({
        mapping,
        source: relation,
        destination: match,
        leaves,
        names: names.of(mapping.source),
      });
    } else if (relation.isRoot) {
      sink.notes.push({
        object: formatQualifiedName(name),
        reason: 'the destination lacks the table',
      });
    }
  }
  for (const mapping of mappings) {
    if (seen.has(keyOf(mapping.source))) continue;
    const reason = 'the source lacks the table';
    sink.notes.push({ object: formatQualifiedName(mapping.source), reason });
  }
  return { pairs, findDestination: (name) => destinationOf.get(keyOf(name)) };
}

function groupLeaves(
  relations: readonly RelationStructure[],
): ReadonlyMap<string, readonly RelationStructure[]> {
  const groups = new Map<string, RelationStructure[]>();
  for (const relation of relations) {
    if (relation.isRoot || relation.isPartitioned) continue;
    const group = groups.get(keyOf(relation.root));
    if (group) group.push(relation);
    else groups.set(keyOf(relation.root), [relation]);
  }
  return groups;
}

function diffExtensions(source: StructureModel, destination: StructureModel, sink: DiffSink): void {
  for (const { name, schema } of source.neededExtensions) {
    if (destination.installedExtensions.includes(name)) continue;
    const into = quoteIdentifier(schema);
    sink.changes.push(
      changeOf({
        kind: 'create_extension',
        object: name,
        table: '',
        statements: [
          online(`create schema if not exists ${into}`),
          online(`create extension if not exists ${quoteIdentifier(name)} with schema ${into}`),
        ],
        locks: 'none on tables',
        reason: 'indexes take operator classes or methods from the extension',
      }),
    );
  }
}
