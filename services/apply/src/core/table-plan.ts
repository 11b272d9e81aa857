import { MirrorError } from '@bunnydb/failure';
import type { TableMessageHead } from '@bunnydb/change-stream';
import type { TableMapping } from '@bunnydb/contracts';
import { formatQualifiedName } from '@bunnydb/pg-model';
import type { DestinationColumn, DestinationTable } from './destination-table.js';
import type { KeyPlaces } from './net-change.js';

/** The part of a message's headers that says how its rows are to be read. */
export type RowLayout = Pick<TableMessageHead, 'columns' | 'key' | 'identity' | 'old'>;

/** One place of a row: where a value stands and which destination column takes it (null: none does). */
export interface RowField {
  readonly position: number;
  readonly column: DestinationColumn;
}

/** How rows of one layout are written to one destination table. */
export interface TablePlan {
  readonly table: DestinationTable;
  readonly layout: RowLayout;
  /** The columns that the destination takes, by place in the row. */
  readonly fields: readonly RowField[];
  /** By position of the layout's columns: whether the destination takes it. */
  readonly kept: readonly boolean[];
  /** The old-key columns that can be used to find the row. */
  readonly oldFields: readonly RowField[];
  /** `key`: rows are found by key columns; `full`: by all columns, one row at a time; `none`: they cannot be found. */
  readonly matching: 'key' | 'full' | 'none';
  /** The key's fields among the columns, and among the old-key columns if there are any; both empty unless `matching` is `key`. */
  readonly keyFields: readonly RowField[];
  readonly oldKeyFields: readonly RowField[];
}

/** How a layout's columns are found at a destination that has another shape. */
export interface PlanRules {
  /** By former name of a column: the name that it has now. */
  readonly renamed: ReadonlyMap<string, string>;
  /** Columns that the destination lacks are left out, since the mirror does not carry structure. */
  readonly leavesOut: boolean;
}

const STRICT: PlanRules = { renamed: new Map(), leavesOut: false };

/**
 * Lays a message's columns over the destination's: by name, else by the name that the column has got since, in any order, leaving out what the
 * mapping excludes and what the destination generates itself.
 *
 * @throws MirrorError `schema_mismatch` when the destination lacks a column.
 */
export function planTable(
  layout: RowLayout,
  mapping: TableMapping,
  table: DestinationTable,
  rules: PlanRules = STRICT,
): TablePlan {
  const present = new Map(table.columns.map((column) => [column.name, column]));
  const columns = new Map(present);
  for (const [former, name] of rules.renamed) {
    const column = present.get(name);
    if (column && !present.has(former)) columns.set(former, column);
  }
  const excluded = new Set(mapping.exclude_columns);
  const missing = layout.columns.filter((name) => !excluded.has(name) && !columns.has(name));
  if (missing.length > 0 && !rules.leavesOut) {
    throw new MirrorError('schema_mismatch', 'the destination table lacks columns', {
      detail: { table: formatQualifiedName(table.name), columns: missing },
    });
  }
  const fieldsOf = (names: readonly string[]): RowField[] =>
    names.flatMap((name, position) => {
      const column = columns.get(name);
      return column && !excluded.has(name) && !column.isGenerated ? [{ position, column }] : [];
    });
  const fields = fieldsOf(layout.columns);
  const oldFields = fieldsOf(layout.old);
  const nameOf = (name: string): string => columns.get(name)?.name ?? name;
  const key = matchKey({ ...layout, key: layout.key.map(nameOf) }, table, fields);
  const pick = (from: readonly RowField[]): RowField[] =>
    (key ?? []).flatMap((name) => from.filter((field) => field.column.name === name));
  const keyFields = pick(fields);
  return {
    table,
    layout,
    fields,
    kept: layout.columns.map((_, position) => fields.some((field) => field.position === position)),
    oldFields,
    matching: keyFields.length > 0 ? 'key' : layout.identity === 'f' ? 'full' : 'none',
    keyFields,
    oldKeyFields: layout.old.length > 0 ? pick(oldFields) : [],
  };
}

/** The key's places for netting changes. */
export function keyPlacesOf(plans: readonly TablePlan[]): KeyPlaces {
  const withOld = plans.find((plan) => plan.oldKeyFields.length > 0);
  const [plan] = plans;
  return {
    columns: plan?.keyFields.map((field) => field.position) ?? [],
    old: withOld?.oldKeyFields.map((field) => field.position) ?? [],
    columnCount: plan?.layout.columns.length ?? 0,
  };
}

/** A text that is the same for layouts that can share statements. */
export function layoutId(layout: RowLayout): string {
  return JSON.stringify([layout.columns, layout.key, layout.identity, layout.old]);
}

/**
 * The columns that tell one row from another: those of the replica identity; under REPLICA IDENTITY FULL, where every column is one, the
 * destination's own key if all of it is replicated. Undefined when there is none.
 */
function matchKey(
  layout: RowLayout,
  table: DestinationTable,
  fields: readonly RowField[],
): readonly string[] | undefined {
  const names = new Set(fields.map((field) => field.column.name));
  const key = layout.identity === 'f' ? table.key : layout.key;
  if (key.length === 0) return undefined;
  if (key.every((name) => names.has(name))) return key;
  if (layout.identity === 'f') return undefined;
  throw new MirrorError(
    'schema_mismatch',
    'a column of the replica identity is excluded or generated at the destination',
    { detail: { table: formatQualifiedName(table.name), key } },
  );
}
