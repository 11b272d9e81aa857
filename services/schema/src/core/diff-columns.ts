import {
  type QualifiedName,
  quoteIdentifier,
  quoteLiteral,
  quoteQualifiedName,
} from '@bunnydb/pg-model';
import type { ColumnModel, SequenceModel } from './catalog-model.js';
import { isExcluded } from './column-names.js';
import { renameColumns } from './diff-renamed-columns.js';
import { rowsOf } from './late-columns.js';
import { createSequenceStatement, ownSequenceStatement } from './sequence-ddl.js';
import { blocking, changeOf, online } from './structure-change.js';
import {
  columnDefinition,
  comparableDefault,
  defaultOf,
  isPlainNextval,
  sequenceName,
} from './column-ddl.js';
import {
  type DiffOptions,
  type DiffSink,
  type ColumnPair,
  objectText,
  tableSql,
  tableText,
} from './table-pair.js';
import { isRewriteFree, isWidening } from './type-widening.js';

/** Columns, types, defaults and nullability of a table; partitions have those of their root. */
export function diffColumns(pair: ColumnPair, options: DiffOptions, sink: DiffSink): void {
  const known = pair.names?.columns ?? [];
  const carried = pair.source.columns.filter((column) => !isExcluded(pair.mapping, column, known));
  const columns = options.columns ? renameColumns(pair, carried, sink) : pair.destination.columns;
  const theirs = new Map(columns.map((column) => [column.name, column]));
  for (const column of carried) {
    const existing = theirs.get(column.name);
    if (existing === undefined) {
      if (options.columns) addColumn(pair, column, sink);
      if (options.columns && hasStandIn(pair, column)) setDefaultAfter(pair, column, sink);
      // What the new column cannot have while old rows lack a value comes afterwards.
      if (options.columns && options.notNull && needsNotNullLater(pair, column)) {
        setNotNull(pair, column, sink);
      }
      continue;
    }
    const changesType = options.types && existing.type !== column.type;
    const wanted = options.defaults ? column : existing;
    if (changesType) alterType(pair, column, existing, wanted, sink);
    // A default of the old type goes with it.
    const isDefaultDone = changesType && existing.expression !== null;
    if (options.defaults && !isDefaultDone) diffDefault(pair, column, existing, sink);
    if (options.notNull) diffNotNull(pair, column, existing, sink);
  }
  if (!options.columns) return;
  const names = new Set(carried.map((column) => column.name));
  for (const column of columns) {
    if (names.has(column.name)) continue;
    const isDropped = known.some(({ name }) => name === column.name);
    if (isDropped && options.notNull && needsValue(column)) {
      dropNotNull(
        pair,
        column,
        'the source has dropped the column, and rows come without it',
        sink,
      );
    }
    dropColumn(pair, column, sink);
  }
}

function addColumn(pair: ColumnPair, column: ColumnModel, sink: DiffSink): void {
  const { source, destination } = pair;
  const sequences = column.sequences.map((sequence) => ({
    sequence,
    name: sequenceName(sequence, column.name, source.name, destination.name),
  }));
  const expression = defaultOf(column, source.name, destination.name);
  // Rows that are there get the value that the source has stored for its own, and so do those of the shape before that may still come.
  const rows = rowsOf(pair.source, column);
  const definition = columnDefinition(
    needsNotNullLater(pair, column) ? { ...column, isNotNull: false } : column,
    rows === 'stored' || rows === 'null' ? missingValue(column) : expression,
    false,
  );
  sink.changes.push(
    changeOf({
      kind: 'add_column',
      object: objectText(pair, column.name),
      table: tableText(pair),
      statements: [
        ...sequences.map(({ sequence, name }) => online(createSequenceStatement(name, sequence))),
        blocking(`alter table ${tableSql(pair)} add column ${definition}`),
        ...sequences
          .filter(({ sequence }) => sequence.isOwned)
          .map((made) => online(ownSequenceStatement(made.name, destination.name, column.name))),
      ],
      locks: 'ACCESS EXCLUSIVE on the table, briefly',
      reason: `the destination lacks the column; ${ADDED_VALUES[rows]}`,
      ...(rows === 'own' ? { needsCopy: true } : {}),
    }),
  );
}

/** What the rows that are there get in a column that is added. */
const ADDED_VALUES: Readonly<Record<ReturnType<typeof rowsOf>, string>> = {
  own: 'its values differ by row, so that the table is copied again',
  made: 'it is computed, for the rows that are there, too',
  stored: 'rows that are there get the value that those of the source have',
  null: 'rows that are there get NULL, as those of the source have',
};

/** Whether the value of the rows that were there is not what rows get that are to come. */
function hasStandIn(pair: ColumnPair, column: ColumnModel): boolean {
  const { missing, expression } = column;
  const rows = rowsOf(pair.source, column);
  if (rows === 'null') return expression !== null;
  if (rows !== 'stored') return false;
  const [, text, number] = /^(?:'((?:[^']|'')*)'::[^']+|([^' ]+))$/.exec(expression ?? '') ?? [];
  return (text?.replaceAll("''", "'") ?? number) !== missing;
}

/** The source's own default, in place of the value that stood in for it. */
function setDefaultAfter(pair: ColumnPair, column: ColumnModel, sink: DiffSink): void {
  diffDefault(pair, column, { ...column, sequences: [], expression: missingValue(column) }, sink);
}

/** The value that rows have which were there when the column was added, as SQL. */
export function missingValue({ missing, type }: ColumnModel): string | null {
  return missing === undefined ? null : `${quoteLiteral(missing).trim()}::${type}`;
}

/** Rows that are there would make NOT NULL fail when nothing fills the column. */
function needsNotNullLater(pair: ColumnPair, column: ColumnModel): boolean {
  if (!column.isNotNull) return false;
  const rows = rowsOf(pair.source, column);
  const fillsItself =
    column.identity !== 'none' ||
    defaultOf(column, pair.source.name, pair.destination.name) !== null;
  return rows === 'null' || (rows === 'own' && !fillsItself);
}

/** PostgreSQL casts a default only where it would on assignment, so one that is there is taken off and set again. */
function alterType(
  pair: ColumnPair,
  column: ColumnModel,
  existing: ColumnModel,
  withDefault: ColumnModel,
  sink: DiffSink,
): void {
  const alter = `alter column ${quoteIdentifier(column.name)}`;
  const type = `${alter} type ${column.type} using ${quoteIdentifier(column.name)}::${column.type}`;
  const hasDefault = existing.expression !== null && existing.generation === 'none';
  const expression = defaultOf(withDefault, pair.source.name, pair.destination.name);
  const actions = hasDefault
    ? [`${alter} drop default`, type, ...(expression ? [`${alter} set default ${expression}`] : [])]
    : [type];
  sink.changes.push(
    changeOf({
      kind: 'alter_type',
      object: objectText(pair, column.name),
      table: tableText(pair),
      statements: [blocking(`alter table ${tableSql(pair)} ${actions.join(', ')}`)],
      destructive: !isWidening(existing.type, column.type),
      rewrites: !isRewriteFree(existing.type, column.type),
      locks: 'ACCESS EXCLUSIVE on the table, as long as it takes to write it anew',
      reason: `the type is ${existing.type} and should be ${column.type}`,
    }),
  );
}

function diffDefault(
  pair: ColumnPair,
  column: ColumnModel,
  existing: ColumnModel,
  sink: DiffSink,
): void {
  if (column.generation !== 'none' || column.identity !== 'none') return;
  if (existing.generation !== 'none' || existing.identity !== 'none') return;
  if (hasSameDefault(pair, column, existing)) return;
  const expression = defaultOf(column, pair.source.name, pair.destination.name);
  const action = expression === null ? 'drop default' : `set default ${expression}`;
  sink.changes.push(
    changeOf({
      kind: expression === null ? 'drop_default' : 'set_default',
      object: objectText(pair, column.name),
      table: tableText(pair),
      statements: [
        blocking(
          // Partitions and inheriting tables have defaults of their own, and are compared for themselves.
          `alter table only ${tableSql(pair)} alter column ${quoteIdentifier(column.name)} ${action}`,
        ),
      ],
      locks: 'ACCESS EXCLUSIVE on the table, briefly',
      reason: expression === null ? 'the source has no default' : 'the default differs',
    }),
  );
}

function hasSameDefault(pair: ColumnPair, column: ColumnModel, existing: ColumnModel): boolean {
  if (!isPlainNextval(column) || !isPlainNextval(existing)) {
    const wanted = comparableDefault(column, (sequence) =>
      sequenceName(sequence, column.name, pair.source.name, pair.destination.name),
    );
    const nameOf = ({ schema, name }: SequenceModel): QualifiedName => ({ schema, table: name });
    return wanted === comparableDefault(existing, nameOf);
  }
  const [sequence] = column.sequences;
  const [other] = existing.sequences;
  if (sequence === undefined || other === undefined) return false;
  const name = sequenceName(sequence, column.name, pair.source.name, pair.destination.name);
  return (
    quoteQualifiedName(name) === quoteQualifiedName({ schema: other.schema, table: other.name })
  );
}

function diffNotNull(
  pair: ColumnPair,
  column: ColumnModel,
  existing: ColumnModel,
  sink: DiffSink,
): void {
  if (column.isNotNull === existing.isNotNull) return;
  if (column.isNotNull) {
    setNotNull(pair, column, sink);
    return;
  }
  const reason = 'the source takes NULL, so a row may come that the destination would refuse';
  dropNotNull(pair, column, reason, sink);
}

function dropNotNull(
  pair: ColumnPair,
  { name }: ColumnModel,
  reason: string,
  sink: DiffSink,
): void {
  sink.changes.push(
    changeOf({
      kind: 'drop_not_null',
      object: objectText(pair, name),
      table: tableText(pair),
      statements: [
        blocking(
          `alter table ${tableSql(pair)} alter column ${quoteIdentifier(name)} drop not null`,
        ),
      ],
      locks: 'ACCESS EXCLUSIVE on the table, briefly',
      reason,
    }),
  );
}

/** Whether a row that comes without the column is refused. */
export function needsValue({
  isNotNull,
  expression,
  identity,
}: Pick<ColumnModel, 'isNotNull' | 'expression' | 'identity'>): boolean {
  return isNotNull && expression === null && identity === 'none';
}

/** A check that is validated first spares SET NOT NULL the scan under its lock. */
function setNotNull(pair: ColumnPair, column: ColumnModel, sink: DiffSink): void {
  const table = tableSql(pair);
  const name = quoteIdentifier(column.name);
  const proof = quoteIdentifier('bunny_not_null_proof');
  sink.changes.push(
    changeOf({
      kind: 'set_not_null',
      object: objectText(pair, column.name),
      table: tableText(pair),
      statements: [
        blocking(`alter table ${table} drop constraint if exists ${proof}`),
        blocking(
          `alter table ${table} add constraint ${proof} check (${name} is not null) not valid`,
        ),
        online(
          `alter table ${table} validate constraint ${proof}`,
          `alter table ${table} drop constraint if exists ${proof}`,
        ),
        blocking(`alter table ${table} alter column ${name} set not null`),
        blocking(`alter table ${table} drop constraint ${proof}`),
      ],
      locks: 'ACCESS EXCLUSIVE on the table, briefly; the scan goes on beside writers',
      reason: 'the source refuses NULL',
      countOffending: `select pg_catalog.count(*)::pg_catalog.text as rows from ${table} where ${name} is null`,
    }),
  );
}

function dropColumn(pair: ColumnPair, column: ColumnModel, sink: DiffSink): void {
  sink.changes.push(
    changeOf({
      kind: 'drop_column',
      object: objectText(pair, column.name),
      table: tableText(pair),
      statements: [
        blocking(`alter table ${tableSql(pair)} drop column ${quoteIdentifier(column.name)}`),
      ],
      destructive: true,
      locks: 'ACCESS EXCLUSIVE on the table, briefly',
      reason: 'only the destination has the column',
    }),
  );
}
