import { type Rename, freeName, orderRenames } from './order-renames.js';
import type { NamedColumn } from './column-names.js';
import type { TargetColumn } from './follow-facts.js';

/** A column that the destination lacks (`add`), or that it has under the name `from`. */
export type Placement =
  | { readonly tag: 'add'; readonly target: TargetColumn }
  | { readonly tag: 'keep'; readonly target: TargetColumn; readonly from: string };

export interface PlacedColumns {
  readonly placements: readonly Placement[];
  /** In an order in which each name is free when it is taken. */
  readonly renames: readonly Rename[];
  /** Names that another column had before: a row of the shape before would find the wrong one. */
  readonly retaken: readonly string[];
}

/**
 * Where each column that rows have is at the destination. A column of the destination that the source has dropped keeps its data: when its name is
 * needed, it gets another. Undefined when a name is needed that a living column has which the rows do not have.
 *
 * @param living attribute numbers of the columns that the source has now.
 */
export function placeColumns(
  targets: readonly TargetColumn[],
  present: ReadonlySet<string>,
  names: readonly NamedColumn[],
  living: ReadonlySet<number>,
): PlacedColumns | undefined {
  const owners = new Map(names.map((column) => [column.name, column]));
  const moving = new Set(targets.flatMap(({ number }) => (number === null ? [] : [number])));
  const placements: Placement[] = [];
  const wanted: Rename[] = [];
  for (const target of targets) {
    const own = findOwn(target, names, moving);
    const owner = owners.get(target.name);
    const isTaken = present.has(target.name);
    const isOthers = isTaken && owner !== undefined && owner !== own;
    if (isOthers && !moving.has(owner.number)) {
      if (living.has(owner.number)) return undefined;
      wanted.push({ from: owner.name, to: asideName(owner, present), number: owner.number });
    }
    if (isTaken && !isOthers) placements.push({ tag: 'keep', target, from: target.name });
    else if (own !== undefined && present.has(own.name)) {
      placements.push({ tag: 'keep', target, from: own.name });
      wanted.push({ from: own.name, to: target.name, number: own.number });
    } else placements.push({ tag: 'add', target });
  }
  const called = new Set(targets.map((target) => target.name));
  const retaken = wanted.map(({ from }) => from).filter((name) => called.has(name));
  return { placements, renames: orderRenames(wanted, present), retaken };
}

/** What this column was called. One whose number is not known is told by a name that it had, unless that is known to be another's now. */
function findOwn(
  target: TargetColumn,
  names: readonly NamedColumn[],
  known: ReadonlySet<number>,
): NamedColumn | undefined {
  if (target.number !== null) return names.find((column) => column.number === target.number);
  const free = names.filter((column) => !known.has(column.number));
  return (
    free.find((column) => column.name === target.name) ??
    free.find((column) => column.formerNames.includes(target.name))
  );
}

/** What a column is called that the source has dropped, when another one takes its name. */
function asideName({ name, number }: NamedColumn, present: ReadonlySet<string>): string {
  return freeName(`${name}_dropped_${number}`, present);
}
