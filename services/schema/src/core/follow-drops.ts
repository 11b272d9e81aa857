import type { MirrorSpec, SchemaFollowRequest, TableMapping } from '@bunnydb/contracts';
import { type QualifiedName, quoteIdentifier, quoteQualifiedName } from '@bunnydb/pg-model';
import type { CarriedBook } from './carried-objects.js';
import { NO_COLUMN_NAMES } from './column-names.js';
import { Counterparts } from './counterparts.js';
import { diffConstraints } from './diff-constraints.js';
import { diffForeignKeys } from './diff-foreign-keys.js';
import { diffIndexes, indexNames } from './diff-indexes.js';
import { diffOptionsOf } from './diff-options.js';
import type { MadeStep } from './follow-step.js';
import { pairRelations } from './pair-relations.js';
import { keyOf } from './relation-facts.js';
import type { RelationStructure, StructureModel } from './structure-model.js';
import { type DiffSink, NameBook, type TablePair, objectText, tableSql } from './table-pair.js';

/** The rules of a few tables on both sides; nothing else of them is read. */
export interface ComparedRules {
  readonly source: readonly RelationStructure[];
  readonly destination: readonly RelationStructure[];
}

/**
 * Constraints and unique indexes that the source has dropped: a row that it takes now may not be refused by the destination. Dropping one loosens, so it harms no
 * row that comes before. What rows may be looked up by is kept until the stream has passed, unless just that refuses a row: the last key of a table, and
 * indexes that refuse nothing, which the session drops beside writers.
 *
 * @param carried tells what came from the source, and is filled.
 */
export function planDrops(
  { source, destination }: ComparedRules,
  mappings: readonly TableMapping[],
  spec: MirrorSpec,
  cause: SchemaFollowRequest['cause'],
  carried: CarriedBook,
): readonly MadeStep[] {
  const sink: DiffSink = {
    changes: [],
    notes: [],
    names: new NameBook(indexNames(destination)),
    counterparts: new Counterparts(),
    carried,
  };
  const models = [modelOf(source), modelOf(destination)] as const;
  const { pairs, findDestination } = pairRelations(...models, mappings, NO_COLUMN_NAMES, sink);
  const targets = new Map(spec.tables.map((table) => [keyOf(table.source), table.destination]));
  const find = (name: QualifiedName): QualifiedName | undefined =>
    findDestination(name) ?? targets.get(keyOf(name));
  const options = diffOptionsOf(spec, true);
  for (const pair of pairs) {
    carried.open(pair.destination.name);
    if (options.indexes) {
      diffConstraints(pair, 'keys', sink);
      diffIndexes(pair, sink);
    }
    if (options.checks) diffConstraints(pair, 'checks', sink);
    if (options.foreignKeys && options.foreignKeyStrategy !== 'none') {
      diffForeignKeys(pair, options, find, sink);
    }
  }
  const dropped = new Set(
    sink.changes.filter((change) => change.followsDrop === true).map((change) => change.object),
  );
  const refusedBy = cause.kind === 'refused' ? cause.failure.detail['constraint'] : undefined;
  return pairs.flatMap((pair) => dropSteps(pair, dropped, refusedBy));
}

function dropSteps(
  pair: TablePair,
  dropped: ReadonlySet<string>,
  refusedBy: unknown,
): readonly MadeStep[] {
  const { constraints, foreignKeys, indexes, name } = pair.destination;
  const isDropped = (object: { readonly name: string }): boolean =>
    dropped.has(objectText(pair, object.name));
  const isKeyLeft = constraints.some(
    (constraint) => constraint.kind === 'primary_key' && !isDropped(constraint),
  );
  const isQuick = (object: { readonly name: string }): boolean =>
    isKeyLeft || object.name === refusedBy;
  const ofConstraints = [
    ...constraints.filter((one) => isDropped(one) && (one.kind === 'check' || isQuick(one))),
    ...foreignKeys.filter(isDropped),
  ].map((one): MadeStep => ({
    what: `drop constraint ${objectText(pair, one.name)}`,
    sql: [`alter table ${tableSql(pair)} drop constraint if exists ${quoteIdentifier(one.name)}`],
  }));
  const ofIndexes = indexes
    .filter((index) => index.constraint === null && index.isUnique)
    .filter((index) => isDropped(index) && isQuick(index))
    .map((index): MadeStep => {
      const sql = quoteQualifiedName({ schema: name.schema, table: index.name });
      const what = `drop index ${objectText(pair, index.name)}`;
      return { what, sql: [`drop index if exists ${sql}`] };
    });
  return [...ofConstraints, ...ofIndexes];
}

function modelOf(relations: readonly RelationStructure[]): StructureModel {
  return {
    relations,
    neededExtensions: [],
    installedExtensions: [],
    availableExtensions: [],
    types: [],
    collations: [],
    comments: [],
    versionNumber: 0,
  };
}
