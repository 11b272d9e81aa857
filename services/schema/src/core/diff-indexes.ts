import { type QualifiedName, quoteIdentifier, quoteQualifiedName } from '@bunnydb/pg-model';
import { partitionName } from './column-ddl.js';
import type { FoundObject } from './carried-objects.js';
import { renameIndex } from './diff-renamed-objects.js';
import { keyOf } from './relation-facts.js';
import {
  type ChangeStatement,
  blocking,
  changeOf,
  dropTraits,
  online,
} from './structure-change.js';
import type { IndexModel, RelationStructure } from './structure-model.js';
import {
  type DiffSink,
  type TablePair,
  excludedColumn,
  foundObject,
  meetCounterpart,
  objectText,
  pickAlike,
  tableText,
} from './table-pair.js';

/**
 * Indexes that no constraint stands before. One that is defined alike counts as the same whatever its name, since a mapped table's indexes may have
 * to be named anew.
 */
export function diffIndexes(pair: TablePair, sink: DiffSink): void {
  const { source, destination } = pair;
  const unmatched = new Set(destination.indexes.filter((index) => index.constraint === null));
  const wanted = source.indexes.filter((index) => index.constraint === null && index.isValid);
  const missing = wanted.filter((index) => {
    const match = findAlike(index, unmatched, source.indexes);
    if (match === undefined) return true;
    unmatched.delete(match);
    noteCounterpart(pair, index, match, sink);
    if (meetCounterpart(pair, index.name, foundIndex(pair, match), sink)) {
      renameIndex(pair, match.name, index.name, sink);
    }
    return false;
  });
  for (const index of missing) {
    const excluded = excludedColumn(pair, index.columns);
    if (excluded !== undefined) {
      const reason = `the index needs the column ${excluded}, which the mirror leaves out`;
      sink.notes.push({ object: objectText(pair, index.name), reason });
      continue;
    }
    const inTheWay = [...unmatched].find((other) => other.name === index.name);
    if (inTheWay) {
      unmatched.delete(inTheWay);
      sink.counterparts.replace(pair.destination.name, 'index', inTheWay.name);
    }
    createIndex(pair, index, inTheWay, sink);
  }
  for (const index of unmatched) {
    if (!awaitsConstraint(pair, index)) dropIndex(pair, index, sink);
  }
}

function foundIndex(pair: TablePair, index: IndexModel): FoundObject {
  const definition = `${index.isUnique ? 'unique ' : ''}${index.body}`;
  return foundObject(pair, 'index', index.name, definition);
}

/** Settings and comments of an index find their way by it, those of the indexes below it, too. */
export function noteCounterpart(
  pair: TablePair,
  index: IndexModel,
  match: IndexModel,
  sink: DiffSink,
): void {
  sink.counterparts.set(pair.destination.name, 'index', index.name, match.name);
  for (const child of index.children) {
    const table = partitionName(child, pair.source.root, pair.mapping.destination);
    const below = match.children.find((other) => keyOf(other) === keyOf(table));
    if (below === undefined) continue;
    for (const part of ['index', 'constraint'] as const) {
      sink.counterparts.set(table, part, child.name, below.name);
    }
  }
}

/** A valid index that is defined alike, that of the same name first. */
export function findAlike(
  index: IndexModel,
  among: ReadonlySet<IndexModel>,
  ofSource: readonly IndexModel[] = [],
): IndexModel | undefined {
  const alike = [...among].filter(
    (other) => other.isValid && other.isUnique === index.isUnique && other.body === index.body,
  );
  return pickAlike(index, alike, ofSource);
}

/** An index that is built and waits to become the source's constraint is not one too many. */
function awaitsConstraint({ source }: TablePair, index: IndexModel): boolean {
  return source.indexes.some(
    (other) => other.constraint !== null && other.isUnique && other.body === index.body,
  );
}

/** @param inTheWay an index of that name which is defined otherwise, or was not finished. */
function createIndex(
  pair: TablePair,
  index: IndexModel,
  inTheWay: IndexModel | undefined,
  sink: DiffSink,
): void {
  const { schema } = pair.destination.name;
  if (inTheWay) sink.names.release({ schema, table: inTheWay.name });
  const name = sink.names.claim(pair, index.name);
  sink.counterparts.set(pair.destination.name, 'index', index.name, name);
  const replaces = inTheWay?.isValid === true;
  const createKind = index.isUnique ? 'create_unique_index' : 'create_index';
  sink.changes.push(
    changeOf({
      kind: replaces ? 'replace_index' : createKind,
      object: objectText(pair, name),
      table: tableText(pair),
      statements: [
        ...(inTheWay
          ? [dropStatement({ schema, table: inTheWay.name }, pair.destination.isPartitioned)]
          : []),
        ...createStatements(pair, index, name, sink),
      ],
      locks: 'SHARE UPDATE EXCLUSIVE on the table: rows can be written meanwhile',
      overwrites: replaces && !sink.carried.isOurs(foundIndex(pair, inTheWay)),
      reason: createReason(inTheWay),
    }),
  );
}

function createReason(inTheWay: IndexModel | undefined): string {
  if (inTheWay === undefined) return 'the destination lacks the index';
  return inTheWay.isValid
    ? 'the index is defined otherwise'
    : 'a build of the index was cut off, and what it left is not valid';
}

/**
 * Builds beside writers. A partitioned table cannot be indexed so: the leaves are, one by one, and the index of each table above them then finds and
 * takes those below, which lasts no time. Each is given the name that it has on the source.
 */
export function createStatements(
  pair: TablePair,
  index: IndexModel,
  name: string,
  sink: DiffSink,
): readonly ChangeStatement[] {
  const { destination } = pair;
  if (!destination.isPartitioned) return [concurrently(index, name, destination.name)];
  const create = (indexName: string, table: QualifiedName): string =>
    `create ${index.isUnique ? 'unique ' : ''}index ${quoteIdentifier(indexName)} on ${quoteQualifiedName(table)} ${index.body}`;
  const below = childNames(pair, index, name, sink).map(({ table, name: child }) =>
    table.isPartitioned
      ? blocking(create(child, table.name))
      : concurrently(index, child, table.name),
  );
  return [...below, blocking(create(name, destination.name))];
}

/** The partitions that lack such an index, the deepest first, each with the name that its index gets. */
export function childNames(
  pair: TablePair,
  index: IndexModel,
  name: string,
  sink: DiffSink,
): readonly { readonly table: RelationStructure; readonly name: string }[] {
  const { destination, leaves, branches, mapping, source } = pair;
  const children = new Map(
    index.children.map((child) => [
      keyOf(partitionName(child, source.root, mapping.destination)),
      child,
    ]),
  );
  return [...leaves, ...branches]
    .filter((table) => keyOf(table.name) !== keyOf(destination.name))
    .flatMap((table) => {
      const child = children.get(keyOf(table.name));
      const present = findAlike(index, new Set(table.indexes));
      const wanted = child?.name ?? `${table.name.table}_${name}`;
      const given =
        present?.name ??
        sink.names.claim({ source: { name: child ?? table.name }, destination: table }, wanted);
      for (const part of ['index', 'constraint'] as const) {
        sink.counterparts.set(table.name, part, wanted, given);
      }
      return present ? [] : [{ table, name: given }];
    });
}

function concurrently(index: IndexModel, name: string, table: QualifiedName): ChangeStatement {
  const create = `create ${index.isUnique ? 'unique ' : ''}index concurrently ${quoteIdentifier(name)}`;
  return online(
    `${create} on ${quoteQualifiedName(table)} ${index.body}`,
    `drop index concurrently if exists ${quoteQualifiedName({ schema: table.schema, table: name })}`,
  );
}

export function dropStatement(name: QualifiedName, isPartitioned: boolean): ChangeStatement {
  // The index of a partitioned table cannot be dropped concurrently.
  return isPartitioned
    ? blocking(`drop index ${quoteQualifiedName(name)}`)
    : online(`drop index concurrently ${quoteQualifiedName(name)}`);
}

function dropIndex(pair: TablePair, index: IndexModel, sink: DiffSink): void {
  const { schema } = pair.destination.name;
  const carried = sink.carried.find(foundIndex(pair, index));
  if (carried) sink.counterparts.replace(pair.destination.name, 'index', index.name);
  const traits = dropTraits(carried, 'the index');
  sink.changes.push(
    changeOf({
      kind: 'drop_index',
      object: objectText(pair, index.name),
      table: tableText(pair),
      statements: [dropStatement({ schema, table: index.name }, pair.destination.isPartitioned)],
      ...traits,
      locks: 'SHARE UPDATE EXCLUSIVE on the table',
      reason: index.isValid
        ? traits.reason
        : 'the build of the index was cut off, and the source has none like it',
    }),
  );
}

/** Every name that indexes of the destination have. */
export function indexNames(relations: readonly RelationStructure[]): readonly QualifiedName[] {
  return relations.flatMap((relation) => [
    { schema: relation.name.schema, table: relation.name.table },
    ...relation.indexes.flatMap((index) => [
      { schema: relation.name.schema, table: index.name },
      ...index.children.map((child) => ({ schema: child.schema, table: child.name })),
    ]),
  ]);
}
