import type { ColumnModel } from './catalog-model.js';
import type { NamedColumn } from './column-names.js';
import { columnDefinition } from './column-ddl.js';
import { missingValue } from './diff-columns.js';
import type { DestinationTable, FollowFacts, TargetColumn } from './follow-facts.js';
import type { PlacedColumns } from './follow-placement.js';
import type { FollowStep } from './follow-step.js';
import { rowsOf } from './late-columns.js';
import { objectText, tableSql } from './table-pair.js';

export interface AddedColumn {
  readonly step: FollowStep;
  /** The column as the step makes it. */
  readonly column: ColumnModel;
}

/**
 * Adds a column so that the rows which are there have what they have on the source: the value that is stored there for them, or NULL. That value is the
 * column's default for as long as rows may come that lack the column; the default of the source and NOT NULL are left to a comparison that knows the stream to be past them. Null for a generated column of a large table: PostgreSQL would write the table anew, and rows come without it.
 */
export function addColumn(
  facts: FollowFacts,
  target: TargetColumn,
  destination: DestinationTable,
): AddedColumn | null {
  const pair = { destination: { name: facts.mapping.destination, columns: [] } };
  const column = modelOf(target);
  const isGenerated = column.generation !== 'none';
  if (isGenerated && isLarge(destination)) return null;
  const definition = columnDefinition(column, column.expression, false);
  return {
    column,
    step: {
      what: `add column ${objectText(pair, column.name)}`,
      part: 'columns',
      sql: [`alter table ${tableSql(pair)} add column ${definition}`],
      isNeeded: !isGenerated,
      column: column.name,
    },
  };
}

/**
 * Why rows cannot be given what they have on the source, so that they have to be copied. That there are none does not help: the batch that the mark is in may hold
 * rows of the shape before, which are written once the answer is there.
 */
export function recopyReason(
  facts: FollowFacts,
  { placements, retaken }: PlacedColumns,
): string | null {
  const { names, source } = facts;
  const [again] = retaken;
  if (again !== undefined) return `the column ${again} is another one than before`;
  const added = placements.flatMap((placement) =>
    placement.tag === 'add' && placement.target.column?.generation !== 'stored'
      ? [placement.target]
      : [],
  );
  const isUnknown = added.some(({ number }) => isOlderThanNoted(number, names.columns));
  if (isUnknown && hasStranger(facts, placements)) {
    return 'columns differ that were never compared before, so that a renamed one cannot be told from a new one';
  }
  const other = added.find(
    ({ type, column }) => column?.missing !== undefined && type !== column.type,
  );
  if (other !== undefined) {
    return `the value that old rows have in the new column ${other.name} is of another type than the stream has it here`;
  }
  const own = added.find(({ name, column }) => {
    if (column === null || source === null) return false;
    const { wasRewritten } = source;
    return rowsOf({ wasRewritten, nullColumns: facts.nullColumns }, { ...column, name }) === 'own';
  });
  return own === undefined
    ? null
    : `the rows have values of their own in the new column ${own.name}`;
}

/** Larger tables are not written anew while the stream waits. */
export function isLarge({ bytes }: DestinationTable): boolean {
  return bytes > INLINE_BYTES_MAX;
}

function modelOf({ name, type, column }: TargetColumn): ColumnModel {
  if (column === null) return { ...PLAIN_COLUMN, name, type };
  if (column.generation !== 'none') return { ...column, name };
  return {
    ...column,
    name,
    type,
    expression: missingValue({ ...column, type }),
    isNotNull: false,
    identity: 'none',
    identityOptions: null,
    sequences: [],
    functions: [],
  };
}

/** Columns that are new have greater numbers than all that were noted: this one was there before, under another name perhaps. */
function isOlderThanNoted(number: number | null, names: readonly NamedColumn[]): boolean {
  if (names.length === 0) return true;
  return number !== null && number < Math.max(...names.map((column) => column.number));
}

/** Whether the destination has a column that the source has not. */
function hasStranger(
  { destination }: FollowFacts,
  placements: PlacedColumns['placements'],
): boolean {
  const kept = new Set(
    placements.flatMap((placement) => (placement.tag === 'keep' ? [placement.from] : [])),
  );
  return destination?.columns.some((column) => !kept.has(column.name)) ?? false;
}

/** A column of which no more is known than its name and type. */
export const PLAIN_COLUMN: Omit<ColumnModel, 'name' | 'type'> = {
  isNotNull: false,
  expression: null,
  generation: 'none',
  identity: 'none',
  identityOptions: null,
  collation: null,
  sequences: [],
  functions: [],
  notNullConstraint: null,
  isLocal: true,
};

const INLINE_BYTES_MAX = 10 * 1024 ** 2;
