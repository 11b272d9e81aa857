import type { TableMapping } from '@bunnydb/contracts';
import { CarriedBook } from './carried-objects.js';
import { type ColumnNames, NO_COLUMN_NAMES } from './column-names.js';
import { Counterparts } from './counterparts.js';
import { diffCollations, diffExtensions, diffSharedComments } from './diff-shared.js';
import { diffColumnKinds } from './diff-column-kinds.js';
import { diffColumns } from './diff-columns.js';
import { diffConstraints } from './diff-constraints.js';
import { diffForeignKeys } from './diff-foreign-keys.js';
import { diffIndexes, indexNames } from './diff-indexes.js';
import { diffPartitionDefaults } from './diff-partition-defaults.js';
import { diffInheritance, diffPartitions } from './diff-partitions.js';
import { diffSettings } from './diff-settings.js';
import { diffStatistics } from './diff-statistics.js';
import { diffTypes } from './diff-types.js';
import { type EnumLabels, NO_ENUM_LABELS } from './enum-labels.js';
import { pairRelations } from './pair-relations.js';
import { type StructureDiff, orderChanges } from './structure-change.js';
import type { StructureModel } from './structure-model.js';
import { type DiffOptions, type DiffSink, NameBook } from './table-pair.js';

/** What is known from before, by which something renamed or dropped is told from something that only one side ever had. */
export interface DiffMemory {
  readonly names: ColumnNames;
  readonly labels: EnumLabels;
  /** Filled by the comparison. */
  readonly carried: CarriedBook;
}

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
  { names, labels, carried }: DiffMemory = nothingKnown(),
): StructureDiff {
  const sink: DiffSink = {
    changes: [],
    notes: [],
    names: new NameBook(indexNames(destination.relations)),
    counterparts: new Counterparts(),
    carried,
  };
  const paired = pairRelations(source, destination, mappings, names, sink);
  const { findDestination } = paired;
  for (const pair of paired.pairs) carried.open(pair.destination.name);
  if (options.indexes || options.types) diffExtensions(source, destination, sink);
  if (options.types) {
    diffCollations(source, destination, sink);
    diffTypes(source, destination, labels, sink);
  }
  const made = options.columns ? diffPartitions(paired, destination, sink) : [];
  for (const pair of [...paired.pairs, ...made]) {
    if (pair.source.isRoot) {
      diffColumns(pair, options, sink);
      diffColumnKinds(pair, options, destination.versionNumber, sink);
      if (options.columns) diffInheritance(pair, findDestination, sink);
    } else if (options.defaults) diffPartitionDefaults(pair, sink);
    if (options.indexes) {
      diffConstraints(pair, 'keys', sink);
      diffIndexes(pair, sink);
    }
    if (options.checks) diffConstraints(pair, 'checks', sink);
    if (options.foreignKeys && options.foreignKeyStrategy !== 'none') {
      diffForeignKeys(pair, options, findDestination, sink);
    }
    if (options.indexes) diffStatistics(pair, sink);
    if (options.columns) diffSettings(pair, destination.versionNumber, sink);
  }
  if (options.columns) diffSharedComments(source, destination, sink);
  return { changes: orderChanges(sink.changes), notes: sink.notes };
}

const nothingKnown = (): DiffMemory => ({
  names: NO_COLUMN_NAMES,
  labels: NO_ENUM_LABELS,
  carried: new CarriedBook(),
});
