import type { ReplicateSchema } from '@bunnydb/contracts';
import type { FailureReport } from '@bunnydb/failure';
import type { ColumnModel } from './catalog-model.js';
import { type NamedColumn, isExcluded, noteNameSql, renameSql } from './column-names.js';
import { cannotFollow, tableMissing, tableMoved } from './follow-failure.js';
import type { DestinationTable, FollowFacts, TargetColumn } from './follow-facts.js';
import { addColumn, recopyReason } from './follow-added.js';
import { planExisting } from './follow-existing.js';
import { type PlacedColumns, placeColumns } from './follow-placement.js';
import { matchShape } from './follow-shape.js';
import type { FollowStep } from './follow-step.js';
import type { Rename } from './order-renames.js';
import { objectText } from './table-pair.js';

/** What there is to do for one table, and what comes of it when all of that is made. */
export interface FollowPlan {
  readonly steps: readonly FollowStep[];
  /** Why the table is held whatever is made. */
  readonly blocked: FailureReport | null;
  /** Why it has to be copied again. */
  readonly recopy: string | null;
  /** What the columns are called from here on. */
  readonly names: readonly Pick<NamedColumn, 'number' | 'name'>[];
  /** Whether what was noted of the columns is of another table. */
  readonly forgetsNames: boolean;
  /** Differences that are left. */
  readonly pending: number;
}

/**
 * What makes rows of a table's new shape fit the destination. It follows the stream, not the catalog, which may be ahead: columns get the names and types that
 * the mark tells, and what comes later waits for its own mark. It only adds and loosens, since a rule that the catalog has now need not hold for
 * the rows before it; what tightens is left to a comparison that knows the stream to be past it.
 */
export function planFollow(
  facts: FollowFacts,
  parts: ReadonlySet<keyof ReplicateSchema>,
): FollowPlan {
  const { source, destination, movedTo, shape, followedOid } = facts;
  if (movedTo !== null) return hold(tableMoved(facts, movedTo));
  if (destination === null) return hold(tableMissing(facts));
  const oid = shape?.oid ?? source?.oid ?? null;
  if (followedOid !== null && oid !== null && oid !== followedOid) {
    return planAnew(facts, destination, parts);
  }
  const columns = source?.columns ?? [];
  const { names } = facts;
  if (shape === null) {
    // A table that was dropped has no rows to come.
    if (source === null) return { ...NOTHING, blocked: null };
    return planTargets(facts, currentColumns(facts), destination, parts);
  }
  const targets = matchShape(
    shape.columns,
    { columns, droppedNumbers: source?.droppedNumbers ?? [] },
    names.columns,
    new Set(columns.filter((column) => isLeftOut(facts, column)).map(({ number }) => number)),
  );
  if (targets === undefined) {
    return planCopied(
      facts,
      destination,
      parts,
      'columns were renamed or dropped more than once, and what they were cannot be told any more',
    );
  }
  return planTargets(facts, withGenerated(targets, facts), destination, parts);
}

const NOTHING = { steps: [], recopy: null, names: [], forgetsNames: false, pending: 0 } as const;

function hold(blocked: FailureReport): FollowPlan {
  return { ...NOTHING, blocked };
}

/** The destination is made fit for what the catalog has now, and the rows are copied. */
function planCopied(
  facts: FollowFacts,
  destination: DestinationTable,
  parts: ReadonlySet<keyof ReplicateSchema>,
  reason: string,
): FollowPlan {
  const now = { ...facts, shape: null };
  const plan = planTargets(now, currentColumns(now), destination, parts);
  return { ...plan, recopy: plan.blocked === null ? reason : null };
}

/** Numbers are of another table now, so that only names are left to go by. */
function planAnew(
  facts: FollowFacts,
  destination: DestinationTable,
  parts: ReadonlySet<keyof ReplicateSchema>,
): FollowPlan {
  const unknown = { ...facts, names: { ...facts.names, columns: [] } };
  const reason = 'the table was dropped and made anew on the source';
  return { ...planCopied(unknown, destination, parts, reason), forgetsNames: true };
}

function planTargets(
  facts: FollowFacts,
  targets: readonly TargetColumn[],
  destination: DestinationTable,
  parts: ReadonlySet<keyof ReplicateSchema>,
): FollowPlan {
  const { names, source } = facts;
  const carried = targets.filter((target) => !isLeftOut(facts, target));
  const renamed = targets.find(
    (target) => isLeftOut(facts, target) && !facts.mapping.exclude_columns.includes(target.name),
  );
  if (facts.shape !== null && renamed !== undefined) {
    const description = 'a column that the mirror leaves out has another name now';
    return hold(cannotFollow(facts, description, renamed.name));
  }
  const living = new Set((source?.columns ?? []).map((column) => column.number));
  const present = new Set(destination.columns.map((column) => column.name));
  const placed = placeColumns(carried, present, names.columns, living);
  if (placed !== undefined) return composePlan(facts, placed, destination, parts);
  if (facts.shape === null) {
    return hold(
      cannotFollow(facts, 'a column has a name at the destination that another one needs'),
    );
  }
  return planCopied(facts, destination, parts, 'a column took the name of another one');
}

function composePlan(
  facts: FollowFacts,
  placed: PlacedColumns,
  destination: DestinationTable,
  parts: ReadonlySet<keyof ReplicateSchema>,
): FollowPlan {
  const { placements, renames } = placed;
  const added = placements.flatMap(({ tag, target }) =>
    tag === 'add' ? (addColumn(facts, target, destination) ?? []) : [],
  );
  const columns: readonly ColumnModel[] = [
    ...destination.columns.map((column) => ({ ...column, name: nameAfter(column.name, renames) })),
    ...added.map(({ column }) => column),
  ];
  const targets = placements.map(({ target }) => target);
  const living = new Set((facts.source?.columns ?? []).map((column) => column.number));
  const dropped = facts.names.columns
    .filter((column) => !living.has(column.number))
    .map((column) => nameAfter(column.name, renames));
  const rest = planExisting(facts, targets, columns, new Set(dropped), destination);
  const steps = [...renameStep(facts, renames), ...added.map(({ step }) => step), ...rest.steps];
  const made = steps.filter((step) => parts.has(step.part));
  const refused = steps.find((step) => step.isNeeded && !parts.has(step.part));
  const manual = refused && cannotFollow(facts, NOT_BY_ITSELF, refused.column);
  const blocked = rest.blocked ?? manual ?? null;
  if (blocked === null && rest.isOfFormer && facts.shape !== null) {
    return planCopied(
      facts,
      destination,
      parts,
      'a column that is dropped by now had the name of another one',
    );
  }
  const recopy = blocked === null ? recopyReason(facts, placed) : null;
  // The copy brings what the source has now, and no mark is followed until it is done.
  if (recopy !== null && facts.shape !== null && !isCurrent(facts, targets)) {
    return planCopied(facts, destination, parts, recopy);
  }
  return {
    steps: made,
    blocked,
    recopy,
    names: namesAfter(facts, targets),
    forgetsNames: false,
    pending: rest.pending + steps.length - made.length,
  };
}

/** Whether rows have the columns that the source's table has now; generated ones are in no row. */
function isCurrent(facts: FollowFacts, targets: readonly TargetColumn[]): boolean {
  const told = new Map(targets.map((target) => [target.name, target.type]));
  return currentColumns(facts)
    .filter((target) => !isLeftOut(facts, target) && target.column?.generation === 'none')
    .every((target) => told.get(target.name) === target.type);
}

/** All renames of a table in one transaction with what is noted of them. */
function renameStep(facts: FollowFacts, renames: readonly Rename[]): readonly FollowStep[] {
  const last = renames.at(-1);
  if (last === undefined) return [];
  const { mapping, names } = facts;
  const pair = { destination: { name: mapping.destination, columns: [] } };
  return [
    {
      what: `rename column ${renames.map(({ from, to }) => `${objectText(pair, from)} to ${to}`).join(', ')}`,
      part: 'columns',
      sql: [
        ...renames.map(({ from, to }) => renameSql(mapping.destination, from, to)),
        ...renames.flatMap(({ number, to }) =>
          number === null ? [] : [noteNameSql(mapping.source, names.mirrorId, number, to)],
        ),
      ],
      isNeeded: true,
      column: last.to,
    },
  ];
}

function nameAfter(name: string, renames: readonly Rename[]): string {
  return renames.reduce((last, { from, to }) => (last === from ? to : last), name);
}

/** What is noted once the steps are made, of what the destination has then; columns that are left out are noted so that they can be told under another name. */
function namesAfter(facts: FollowFacts, targets: readonly TargetColumn[]): FollowPlan['names'] {
  const ofTargets = targets.flatMap(({ number, name }) =>
    number === null ? [] : [{ number, name }],
  );
  const told = new Set(ofTargets.map(({ number }) => number));
  const others = (facts.source?.columns ?? []).filter(
    (column) => !told.has(column.number) && (facts.shape === null || isLeftOut(facts, column)),
  );
  return [...ofTargets, ...others.map(({ number, name }) => ({ number, name }))];
}

function isLeftOut(
  { mapping, names }: FollowFacts,
  { name, number }: Pick<TargetColumn, 'name' | 'number'>,
): boolean {
  return isExcluded(mapping, number === null ? { name } : { name, number }, names.columns);
}

function currentColumns({ source }: FollowFacts): readonly TargetColumn[] {
  return (source?.columns ?? []).map((column) => ({
    name: column.name,
    type: column.type,
    number: column.number,
    column,
  }));
}

/** Rows come without generated columns; they are made when the catalog is where the stream is. */
function withGenerated(
  targets: readonly TargetColumn[],
  facts: FollowFacts,
): readonly TargetColumn[] {
  if (!isCurrent(facts, targets)) return targets;
  const told = new Set(targets.map((target) => target.name));
  const others = currentColumns(facts).filter(
    (target) => !told.has(target.name) && !isLeftOut(facts, target),
  );
  return [...targets, ...others];
}

const NOT_BY_ITSELF =
  'the structure of the table has changed on the source, and the mirror does not follow that by itself';
