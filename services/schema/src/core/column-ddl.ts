import {
  type QualifiedName,
  quoteIdentifier,
  quoteLiteral,
  quoteQualifiedName,
} from '@bunnydb/pg-model';
import type { ColumnModel, SequenceModel } from './catalog-model.js';
import { renameSequences } from './expression-names.js';
import { identityOptions } from './sequence-ddl.js';

/** What the destination has already that a new table may lean on. */
export interface DestinationObjects {
  readonly hasSequence: (name: QualifiedName) => boolean;
  /** Names of indexes, and of the constraints behind them, are unique in a schema. */
  readonly hasIndex: (name: QualifiedName) => boolean;
  /** By signature, as `ColumnModel.functions` has it. */
  readonly hasFunction: (signature: string) => boolean;
  /** Whether generated columns may be virtual (PostgreSQL 18); before, they are stored, which reads the same. */
  readonly hasVirtualColumns: boolean;
  /** Whether NOT NULL is a constraint with a name (PostgreSQL 18). */
  readonly hasNotNullConstraints: boolean;
}

/** Where a partition of a mapped table goes: along with its root into the destination's schema, under its own name. */
export function partitionName(
  partition: QualifiedName,
  root: QualifiedName,
  destination: QualifiedName,
): QualifiedName {
  if (partition.schema === root.schema && partition.table === root.table) return destination;
  return {
    schema: partition.schema === root.schema ? destination.schema : partition.schema,
    table: partition.table,
  };
}

/**
 * Where a sequence of a mapped table goes: into the destination's schema if it lives beside the source table; one that belongs to the column is
 * named after the destination table where that has another name, so that two tables of one name can go into one schema.
 */
export function sequenceName(
  sequence: { readonly schema: string; readonly name: string; readonly isOwned: boolean },
  column: string,
  source: QualifiedName,
  destination: QualifiedName,
): QualifiedName {
  const isRenamed = sequence.isOwned && destination.table !== source.table;
  return {
    schema: sequence.schema === source.schema ? destination.schema : sequence.schema,
    table: isRenamed ? `${destination.table}_${column}_seq` : sequence.name,
  };
}

/** The table that a column is of, on both sides. */
export interface TablePlace {
  readonly source: QualifiedName;
  readonly destination: QualifiedName;
  /** Names of sequences that are taken; none when left out. */
  readonly hasSequence?: DestinationObjects['hasSequence'];
}

/**
 * A column as CREATE TABLE and ADD COLUMN take it.
 *
 * @param place where names that hang on the table are to be kept: that of an identity's sequence and of NOT NULL.
 */
export function columnDefinition(
  column: ColumnModel,
  expression: string | null,
  hasVirtualColumns: boolean,
  place?: TablePlace,
): string {
  const parts = [quoteIdentifier(column.name), column.type];
  if (column.collation) {
    parts.push(
      `collate ${quoteIdentifier(column.collation.schema)}.${quoteIdentifier(column.collation.name)}`,
    );
  }
  if (column.generation !== 'none') {
    const kind = column.generation === 'virtual' && hasVirtualColumns ? 'virtual' : 'stored';
    parts.push(`generated always as (${expression ?? 'null'}) ${kind}`);
  } else if (column.identity !== 'none') {
    const when = column.identity === 'always' ? 'always' : 'by default';
    const name = place && identitySequenceName(column, place);
    parts.push(`generated ${when} as identity${identityOptions(column.identityOptions, name)}`);
  } else if (expression !== null) parts.push(`default ${expression}`);
  if (column.isNotNull && column.notNullConstraint?.isValidated !== false) {
    parts.push(place ? notNullClause(column, place.source) : 'not null');
  }
  return parts.join(' ');
}

/** NOT NULL, under its name where it has one of its own. */
function notNullClause(column: ColumnModel, table: QualifiedName): string {
  return `${notNullName(column, table)}not null${noInherit(column)}`;
}

/** The same as an element of CREATE TABLE of its own, for a column that a parent declares. */
export function notNullElement(column: ColumnModel, table: QualifiedName): string {
  const name = quoteIdentifier(column.name);
  return `${notNullName(column, table)}not null ${name}${noInherit(column)}`;
}

function notNullName(column: ColumnModel, { table }: QualifiedName): string {
  const own = column.notNullConstraint?.name;
  const isChosen = own === undefined || own === `${table}_${column.name}_not_null`;
  return isChosen ? '' : `constraint ${quoteIdentifier(own)} `;
}

const noInherit = (column: ColumnModel): string =>
  column.notNullConstraint?.isNoInherit === true ? ' no inherit' : '';

/** Those that hold for new rows only cannot be made along with the table. */
export function notValidNotNulls(
  columns: readonly ColumnModel[],
  table: QualifiedName,
  objects: DestinationObjects,
): readonly string[] {
  if (!objects.hasNotNullConstraints) return [];
  return columns.flatMap(({ name, notNullConstraint: own }) =>
    own?.isValidated === false
      ? [
          `alter table ${quoteQualifiedName(table)} add constraint ${quoteIdentifier(own.name)} not null ${quoteIdentifier(name)} not valid`,
        ]
      : [],
  );
}

/** PostgreSQL chooses it after the table; only under the same name for the table it is kept. */
function identitySequenceName(
  { identityOptions: sequence }: ColumnModel,
  { source, destination, hasSequence = () => false }: TablePlace,
): QualifiedName | undefined {
  if (sequence === null || source.table !== destination.table) return undefined;
  // PostgreSQL keeps it beside its table.
  const name = { schema: destination.schema, table: sequence.name };
  return hasSequence(name) ? undefined : name;
}

/**
 * The default as the destination has to say it, since sequences may have moved. One that is exactly a `nextval` is written anew; in any other expression the
 * names of sequences are replaced where they stand as constants.
 */
export function defaultOf(
  column: ColumnModel,
  source: QualifiedName,
  destination: QualifiedName,
): string | null {
  const [sequence, ...others] = column.sequences;
  const nameOf = (wanted: SequenceModel): string =>
    quoteQualifiedName(sequenceName(wanted, column.name, source, destination));
  if (sequence === undefined || others.length > 0 || !isPlainNextval(column)) {
    return (
      column.expression &&
      renameSequences(column.expression, (reference) => {
        const used = column.sequences.find((other) => other.reference === reference);
        if (used === undefined) return undefined;
        const isMoved =
          nameOf(used) !== quoteQualifiedName({ schema: used.schema, table: used.name });
        return isMoved ? nameOf(used) : undefined;
      })
    );
  }
  return `pg_catalog.nextval(${quoteLiteral(nameOf(sequence)).trim()}::pg_catalog.regclass)`;
}

/** A default in a form that can be compared: sequences by the name that they have, or should have, at the destination. */
export function comparableDefault(
  column: ColumnModel,
  nameOf: (sequence: SequenceModel) => QualifiedName,
): string | null {
  return (
    column.expression &&
    renameSequences(column.expression, (reference) => {
      const used = column.sequences.find((other) => other.reference === reference);
      return used && quoteQualifiedName(nameOf(used));
    })
  );
}

/** Whether the default is the next value of one sequence and nothing else. */
export function isPlainNextval({ expression }: ColumnModel): boolean {
  return expression !== null && PLAIN_NEXTVAL.test(expression);
}

const PLAIN_NEXTVAL = /^(?:pg_catalog\.)?nextval\('(?:[^']|'')+'::(?:pg_catalog\.)?regclass\)$/;
