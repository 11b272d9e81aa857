import type { MirrorSpec, SchemaFollowRequest, TableMapping } from '@bunnydb/contracts';
import { type QualifiedName, quoteIdentifier, quoteQualifiedName } from '@bunnydb/pg-model';
import type { CarriedBook, CarriedObject } from './carried-objects.js';
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

/** Drops what the source has dropped. */
export interface DropStep extends MadeStep {
  readonly drops: CarriedObject;
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
): readonly DropStep[] {
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
  const dropped = new Map(
    sink.changes.flatMap(({ object, dropsCarried }) =>
      dropsCarried === undefined ? [] : [[object, dropsCarried] as const],
    ),
  );
  const refusedBy = cause.kind === 'refused' ? cause.failure.detail['constraint'] : undefined;
  return pairs.flatMap((pair) => dropSteps(pair, dropped, refusedBy));
}

function dropSteps(
  pair: TablePair,
  dropped: ReadonlyMap<string, CarriedObject>,
  refusedBy: unknown,
): readonly DropStep[] {
  const { constraints, foreignKeys, indexes, name } = pair.destination;
  const find = (object: { readonly name: string }): CarriedObject | undefined =>
    dropped.get(objectText(pair, object.name));
  const isKeyLeft = constraints.some(
    (constraint) => constraint.kind === 'primary_key' && find(constraint) === undefined,
  );
  const isQuick = (object: { readonly name: string }): boolean =>
    isKeyLeft || object.name === refusedBy;
  const quickConstraints = [
    ...constraints.filter((constraint) => constraint.kind === 'check' || isQuick(constraint)),
    ...foreignKeys,
  ];
  const step = (kind: string, object: string, sql: string): readonly DropStep[] => {
    const drops = find({ name: object });
    if (drops === undefined) return [];
    return [{ what: `drop ${kind} ${objectText(pair, object)}`, sql: [sql], drops }];
  };
  return [
    ...quickConstraints.flatMap(({ name: constraint }) =>
      step(
        'constraint',
        constraint,
        `alter table ${tableSql(pair)} drop constraint if exists ${quoteIdentifier(constraint)}`,
      ),
    ),
    ...indexes
      .filter((index) => index.constraint === null && index.isUnique && isQuick(index))
      .flatMap(({ name: index }) => {
        const sql = quoteQualifiedName({ schema: name.schema, table: index });
        return step('index', index, `drop index if exists ${sql}`);
      }),
  ];
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
