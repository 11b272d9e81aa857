import type { FailureReport } from '@bunnydb/failure';
import { formatQualifiedName, quoteIdentifier } from '@bunnydb/pg-model';
import type { ColumnModel } from './catalog-model.js';
import { Counterparts } from './counterparts.js';
import { diffColumns } from './diff-columns.js';
import { sequenceName } from './column-ddl.js';
import { PLAIN_COLUMN, isLarge } from './follow-added.js';
import { createSequenceStatement, ownSequenceStatement } from './sequence-ddl.js';
import { cannotFollow } from './follow-failure.js';
import type { DestinationTable, FollowFacts, TargetColumn } from './follow-facts.js';
import type { FollowStep } from './follow-step.js';
import type { StructureChange } from './structure-change.js';
import {
  type ColumnPair,
  type DiffOptions,
  type DiffSink,
  NameBook,
  objectText,
  tableSql,
} from './table-pair.js';
import { takesValuesOf } from './type-widening.js';

export interface ExistingPlan {
  readonly steps: readonly FollowStep[];
  readonly blocked: FailureReport | null;
  readonly pending: number;
}

/**
 * What columns that are at the destination need: wider types, no NOT NULL where NULL may come, defaults. What tightens or may lose something is left.
 *
 * @param columns the destination's columns as they are once the steps before are made.
 */
export function planExisting(
  facts: FollowFacts,
  targets: readonly TargetColumn[],
  columns: readonly ColumnModel[],
  destination: DestinationTable,
): ExistingPlan {
  const { mapping } = facts;
  const pair: ColumnPair = {
    mapping: { ...mapping, exclude_columns: [] },
    source: { name: mapping.source, columns: targets.map(wantedModel) },
    destination: { name: mapping.destination, columns },
  };
  const sink: DiffSink = {
    changes: [],
    notes: [],
    names: new NameBook([]),
    counterparts: new Counterparts(),
  };
  diffColumns(pair, EVERYTHING, sink);
  const byObject = new Map(targets.map((target) => [objectText(pair, target.name), target]));
  const existing = new Map(columns.map((column) => [column.name, column]));
  const steps: FollowStep[] = [
    ...dropNotNullOfDropped(facts, pair, targets),
    ...targets.flatMap((target) => sequenceStep(facts, target, existing.get(target.name))),
  ];
  let blocked: FailureReport | null = null;
  let pending = sink.notes.length;
  for (const change of sink.changes) {
    const target = byObject.get(change.object);
    const column = target && existing.get(target.name);
    if (target === undefined || column === undefined) {
      pending += 1;
      continue;
    }
    const verdict = judge(facts, change, target, column, destination);
    if (verdict === 'make') steps.push(stepOf(change, target, column));
    else pending += 1;
    if (verdict === 'block') {
      blocked ??= cannotFollow(facts, BLOCKED, target.name);
    }
  }
  return { steps, blocked, pending };
}

/** Whether a change is made now, left, or has to come before rows of the new shape. */
function judge(
  facts: FollowFacts,
  change: StructureChange,
  target: TargetColumn,
  column: ColumnModel,
  destination: DestinationTable,
): 'make' | 'leave' | 'block' {
  switch (change.kind) {
    case 'alter_type': {
      const takes = takesValuesOf(column.type, target.type);
      const isQuick = change.rewrites !== true || !isLarge(destination);
      if (!change.destructive && isQuick) return 'make';
      return takes ? 'leave' : 'block';
    }
    case 'drop_not_null':
      return destination.keyColumns.includes(column.name) ? 'leave' : 'make';
    case 'set_default':
    case 'drop_default':
      return isDefaultDue(facts, target) ? 'make' : 'leave';
    default:
      return 'leave';
  }
}

/**
 * Whether no row will come any more that lacks the column: until then the default is the value that such rows have on the source. At a mark that has the
 * column that is so; one that was found by comparing may be ahead of its rows, unless its default is the same constant.
 */
function isDefaultDue({ shape, names }: FollowFacts, { number, column }: TargetColumn): boolean {
  if (shape !== null || column === null) return true;
  if (names.columns.some((known) => known.number === number)) return true;
  return column.expression === null || CONSTANT.test(column.expression);
}

function stepOf(change: StructureChange, target: TargetColumn, column: ColumnModel): FollowStep {
  const isType = change.kind === 'alter_type';
  return {
    what: `${change.kind.replaceAll('_', ' ')} ${change.object}`,
    part: isType ? 'types' : change.kind === 'drop_not_null' ? 'not_null' : 'defaults',
    sql: change.statements.map((statement) => statement.sql),
    isNeeded: isType && !takesValuesOf(column.type, target.type),
    column: target.name,
  };
}

/** Rows come without a column that the source has dropped. */
function dropNotNullOfDropped(
  { names, source }: FollowFacts,
  pair: ColumnPair,
  targets: readonly TargetColumn[],
): readonly FollowStep[] {
  const carried = new Set(targets.map((target) => target.name));
  const living = new Set((source?.columns ?? []).map((column) => column.number));
  const dropped = new Set(
    names.columns.filter(({ number }) => !living.has(number)).map((column) => column.name),
  );
  return pair.destination.columns
    .filter(
      (column) =>
        dropped.has(column.name) &&
        !carried.has(column.name) &&
        column.isNotNull &&
        column.expression === null &&
        column.identity === 'none',
    )
    .map(({ name }) => ({
      what: `drop not null ${objectText(pair, name)}, which the source has dropped`,
      part: 'columns',
      sql: [`alter table ${tableSql(pair)} alter column ${quoteIdentifier(name)} drop not null`],
      isNeeded: true,
      column: name,
    }));
}

function wantedModel({ name, type, column }: TargetColumn): ColumnModel {
  return column === null ? { ...PLAIN_COLUMN, name, type } : { ...column, name, type };
}

/** The sequences of a default that is about to be set. */
function sequenceStep(
  { mapping: { source, destination } }: FollowFacts,
  { column, name }: TargetColumn,
  existing: ColumnModel | undefined,
): readonly FollowStep[] {
  if (column === null || existing === undefined || existing.expression !== null) return [];
  return column.sequences.map((sequence) => {
    const made = sequenceName(sequence, name, source, destination);
    const create = createSequenceStatement(made, sequence).replace(
      /^create sequence /,
      'create sequence if not exists ',
    );
    const own = sequence.isOwned ? [ownSequenceStatement(made, destination, name)] : [];
    return {
      what: `create sequence ${formatQualifiedName(made)}`,
      part: 'defaults',
      sql: [create, ...own],
      isNeeded: false,
    };
  });
}

const BLOCKED =
  'the type of a column has changed on the source, and the destination cannot take its values yet';
const CONSTANT = /^(?:-?\d+(?:\.\d+)?|'(?:[^']|'')*'(?:::[a-z" .0-9(),_]+)?|true|false|null)$/i;
const EVERYTHING: DiffOptions = {
  columns: true,
  types: true,
  defaults: true,
  notNull: true,
  identity: false,
  sequences: false,
  checks: false,
  indexes: false,
  foreignKeys: false,
  foreignKeyStrategy: 'none',
  silencesForeignKeyActions: false,
};
