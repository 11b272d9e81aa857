import type { FailureReport } from '@bunnydb/failure';
import { formatQualifiedName, quoteIdentifier } from '@bunnydb/pg-model';
import { CarriedBook } from './carried-objects.js';
import type { ColumnModel } from './catalog-model.js';
import { Counterparts } from './counterparts.js';
import { diffColumns, needsValue } from './diff-columns.js';
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
  /** Rows have a column that the source has dropped since, and the destination's of that name cannot take it: it was another one's. */
  readonly isOfFormer: boolean;
  readonly pending: number;
}

/**
 * What columns that are at the destination need: wider types, no NOT NULL where NULL may come. What tightens or may lose something is left, and
 * so are defaults: rows bring their own values, and only those of an older shape, which may still come, would see a default.
 *
 * @param columns the destination's columns as they are once the steps before are made.
 * @param dropped names there of those that the source has dropped.
 */
export function planExisting(
  facts: FollowFacts,
  targets: readonly TargetColumn[],
  columns: readonly ColumnModel[],
  dropped: ReadonlySet<string>,
  destination: DestinationTable,
): ExistingPlan {
  const { mapping } = facts;
  const pair: ColumnPair = {
    mapping: { ...mapping, exclude_columns: [] },
    source: { name: mapping.source, columns: targets.map(wantedModel) },
    destination: { name: mapping.destination, columns },
  };
  const sink = diffOf(pair, SHAPE);
  const byObject = new Map(targets.map((target) => [objectText(pair, target.name), target]));
  const existing = new Map(columns.map((column) => [column.name, column]));
  const steps: FollowStep[] = [
    ...dropNotNull(pair, targets, dropped),
    ...targets.flatMap((target) => sequenceStep(facts, target, existing.get(target.name))),
  ];
  let blocked: FailureReport | null = null;
  let isOfFormer = false;
  let pending = sink.notes.length + diffOf(pair, DEFAULTS).changes.length;
  for (const change of sink.changes) {
    const target = byObject.get(change.object);
    const column = target && existing.get(target.name);
    if (target === undefined || column === undefined) {
      pending += 1;
      continue;
    }
    const verdict = judge(change, target, column, destination);
    if (verdict === 'make') steps.push(stepOf(change, target, column));
    else pending += 1;
    if (verdict !== 'block') continue;
    if (target.column === null) isOfFormer = true;
    else blocked ??= cannotFollow(facts, BLOCKED, target.name);
  }
  return { steps, blocked, isOfFormer, pending };
}

/** Whether a change is made now, left, or has to come before rows of the new shape. */
function judge(
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
    default:
      return 'leave';
  }
}

function stepOf(change: StructureChange, target: TargetColumn, column: ColumnModel): FollowStep {
  const isType = change.kind === 'alter_type';
  return {
    what: `${change.kind.replaceAll('_', ' ')} ${change.object}`,
    part: isType ? 'types' : 'not_null',
    sql: change.statements.map((statement) => statement.sql),
    isNeeded: isType && !takesValuesOf(column.type, target.type),
    column: target.name,
  };
}

/** Rows come without a column that the source has dropped. */
function dropNotNull(
  pair: ColumnPair,
  targets: readonly TargetColumn[],
  dropped: ReadonlySet<string>,
): readonly FollowStep[] {
  const carried = new Set(targets.map((target) => target.name));
  return pair.destination.columns
    .filter((column) => dropped.has(column.name) && !carried.has(column.name) && needsValue(column))
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
function diffOf(pair: ColumnPair, options: DiffOptions): DiffSink {
  const names = new NameBook([]);
  const sink: DiffSink = {
    changes: [],
    notes: [],
    names,
    counterparts: new Counterparts(),
    carried: new CarriedBook(),
  };
  diffColumns(pair, options, sink);
  return sink;
}

const NONE: DiffOptions = {
  columns: false,
  types: false,
  defaults: false,
  notNull: false,
  identity: false,
  sequences: false,
  checks: false,
  indexes: false,
  foreignKeys: false,
  foreignKeyStrategy: 'none',
  silencesForeignKeyActions: false,
};
const SHAPE: DiffOptions = { ...NONE, columns: true, types: true, notNull: true };
const DEFAULTS: DiffOptions = { ...NONE, defaults: true };
