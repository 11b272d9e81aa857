import type { TableMapping } from '@bunnydb/contracts';
import {
  type QualifiedName,
  formatQualifiedName,
  quoteIdentifier,
  quoteQualifiedName,
} from '@bunnydb/pg-model';
import { defaultOf, partitionName } from './column-ddl.js';
import type { FindDestination, PairedRelations } from './pair-relations.js';
import { partitionStatements } from './partition-ddl.js';
import { keyOf } from './relation-facts.js';
import { blocking, changeOf } from './structure-change.js';
import type { RelationStructure, StructureModel } from './structure-model.js';
import { type DiffSink, type TablePair, tableSql, tableText } from './table-pair.js';

/**
 * Partitions that only one side has, and those that hang elsewhere.
 *
 * @returns the partitions that are to be made, as they will be: what is theirs alone is compared next.
 */
export function diffPartitions(
  { pairs, missingPartitions }: PairedRelations,
  destination: StructureModel,
  sink: DiffSink,
): readonly TablePair[] {
  const isNewest = destination.versionNumber >= NOT_NULL_CONSTRAINTS_VERSION;
  const objects = {
    hasSequence: () => true,
    hasIndex: () => false,
    hasFunction: () => true,
    hasVirtualColumns: isNewest,
    hasNotNullConstraints: isNewest,
  };
  const wanted = new Set(pairs.map((pair) => keyOf(pair.destination.name)));
  const partitionedRoots = new Set(
    pairs
      .filter((pair) => pair.source.isRoot && pair.source.isPartitioned)
      .filter((pair) => pair.destination.isPartitioned)
      .map((pair) => keyOf(pair.destination.name)),
  );
  const checksOf = checksAbove(destination);
  const made: TablePair[] = [];
  for (const { mapping, source, name } of missingPartitions) {
    wanted.add(keyOf(name));
    const { partition, partitionKey, columns, primaryKey, root } = source;
    // A destination that is not partitioned has the rows all the same.
    if (partition === null || !partitionedRoots.has(keyOf(mapping.destination))) continue;
    const model = { name: source.name, ...partition, partitionKey, columns, primaryKey };
    const parent = partitionName(partition.parent, root, mapping.destination);
    const statements = partitionStatements(
      model,
      { name: root },
      mapping,
      objects,
      (column) => defaultOf(column, root, mapping.destination),
      checksOf(parent),
    );
    made.push(emptyPair(mapping, source, name, parent));
    sink.changes.push(
      changeOf({
        kind: 'create_partition',
        object: formatQualifiedName(name),
        table: formatQualifiedName(mapping.destination),
        // As one text it is made as a whole or not at all.
        statements: [blocking(statements.join(';\n'))],
        locks: 'SHARE UPDATE EXCLUSIVE on the table, ACCESS EXCLUSIVE on its default partition',
        reason: 'the destination lacks the partition',
      }),
    );
  }
  for (const relation of destination.relations) {
    const { partition, name, root } = relation;
    if (partition === null || wanted.has(keyOf(name)) || !partitionedRoots.has(keyOf(root))) {
      continue;
    }
    sink.changes.push(
      changeOf({
        kind: 'detach_partition',
        object: formatQualifiedName(name),
        table: formatQualifiedName(root),
        statements: [detach(partition.parent, name)],
        destructive: true,
        locks: 'ACCESS EXCLUSIVE on both tables, briefly',
        reason: 'only the destination has the partition; as a table it stays',
      }),
    );
  }
  for (const pair of pairs) noteBound(pair, sink);
  return made;
}

/** A partition as it is when it was made and has nothing but its columns and key. */
function emptyPair(
  mapping: TableMapping,
  source: RelationStructure,
  name: QualifiedName,
  parent: QualifiedName,
): TablePair {
  const destination: RelationStructure = {
    ...source,
    name,
    root: mapping.destination,
    partition: source.partition && { ...source.partition, parent },
    indexes: source.indexes.filter((index) => index.constraint === source.primaryKey?.name),
    constraints: source.constraints.filter(({ kind }) => kind === 'primary_key'),
    foreignKeys: [],
    statistics: [],
    settings: [],
  };
  return { mapping, source, destination, leaves: [], branches: [] };
}

/** The checks that a table has to have to become a partition of one of the destination's. */
function checksAbove({ relations }: StructureModel): (parent: QualifiedName) => readonly string[] {
  const byName = new Map(relations.map((relation) => [keyOf(relation.name), relation]));
  const checksOf = (parent: QualifiedName): readonly string[] => {
    const table = byName.get(keyOf(parent));
    if (table === undefined) return [];
    const own = table.constraints
      .filter(({ kind, definition }) => kind === 'check' && !definition.endsWith(' NO INHERIT'))
      .map(({ name, definition }) => `constraint ${quoteIdentifier(name)} ${definition}`);
    return [...own, ...(table.partition ? checksOf(table.partition.parent) : [])];
  };
  return checksOf;
}

function noteBound({ source, destination, mapping }: TablePair, sink: DiffSink): void {
  const note = (reason: string): void => {
    sink.notes.push({ object: formatQualifiedName(destination.name), reason });
  };
  if (source.isRoot) {
    if (destination.isPartitioned && source.isPartitioned) {
      if (source.partitionKey !== destination.partitionKey) note('it is partitioned otherwise');
    }
    return;
  }
  if (source.partition === null || destination.partition === null) return;
  const parent = partitionName(source.partition.parent, source.root, mapping.destination);
  if (keyOf(parent) !== keyOf(destination.partition.parent)) {
    note('the partition hangs below another table');
  } else if (source.partition.bound !== destination.partition.bound) {
    note('the partition holds other values');
  }
}

/** INHERITS. Tables of the mirror only; a parent outside it is told. */
export function diffInheritance(
  pair: TablePair,
  findDestination: FindDestination,
  sink: DiffSink,
): void {
  const { source, destination } = pair;
  const theirs = new Map(destination.inherits.map((parent) => [keyOf(parent), parent]));
  for (const parent of source.inherits) {
    const wanted = findDestination(parent);
    if (wanted === undefined) {
      const reason = `it inherits from ${formatQualifiedName(parent)}, which is not in the mirror`;
      sink.notes.push({ object: tableText(pair), reason });
    } else if (!theirs.delete(keyOf(wanted))) {
      push(pair, 'add_inheritance', `inherit ${quoteQualifiedName(wanted)}`, sink);
    }
  }
  for (const parent of theirs.values()) {
    push(pair, 'drop_inheritance', `no inherit ${quoteQualifiedName(parent)}`, sink);
  }
}

function push(
  pair: TablePair,
  kind: 'add_inheritance' | 'drop_inheritance',
  action: string,
  sink: DiffSink,
): void {
  sink.changes.push(
    changeOf({
      kind,
      object: tableText(pair),
      table: tableText(pair),
      statements: [blocking(`alter table ${tableSql(pair)} ${action}`)],
      destructive: kind === 'drop_inheritance',
      locks: 'ACCESS EXCLUSIVE on the table, briefly',
      reason:
        kind === 'add_inheritance'
          ? 'the table inherits on the source'
          : 'only at the destination the table inherits',
    }),
  );
}

const detach = (parent: QualifiedName, name: QualifiedName): ReturnType<typeof blocking> =>
  blocking(
    `alter table ${quoteQualifiedName(parent)} detach partition ${quoteQualifiedName(name)}`,
  );

const NOT_NULL_CONSTRAINTS_VERSION = 180_000;
