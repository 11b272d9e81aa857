import { quoteIdentifier, quoteQualifiedName } from '@bunnydb/pg-model';
import type { ColumnModel, SequenceOptions } from './catalog-model.js';
import { columnDefinition } from './column-ddl.js';
import { definitionOf } from './diff-foreign-keys.js';
import { createStatisticsSql } from './diff-statistics.js';
import { identityOptions, sequenceOptions } from './sequence-ddl.js';
import {
  type ChangeStatement,
  type StructureChange,
  blocking,
  changeOf,
  online,
} from './structure-change.js';
import {
  type DiffOptions,
  type DiffSink,
  type TablePair,
  objectText,
  tableSql,
  tableText,
} from './table-pair.js';

/**
 * What fills a column besides its default: identity, sequences, generation; and the name of its NOT NULL.
 *
 * @param versionNumber of the destination.
 */
export function diffColumnKinds(
  pair: TablePair,
  options: DiffOptions,
  versionNumber: number,
  sink: DiffSink,
): void {
  const theirs = new Map(pair.destination.columns.map((column) => [column.name, column]));
  for (const column of pair.source.columns) {
    const existing = theirs.get(column.name);
    if (existing === undefined || pair.mapping.exclude_columns.includes(column.name)) continue;
    const place: ColumnPlace = { pair, column, existing, sink };
    if (options.identity) diffIdentity(place);
    if (options.sequences) diffSequences(place);
    if (options.columns) diffGeneration(place, versionNumber);
    if (options.notNull) diffNotNullName(place);
  }
}

interface ColumnPlace {
  readonly pair: TablePair;
  readonly column: ColumnModel;
  readonly existing: ColumnModel;
  readonly sink: DiffSink;
}

function diffIdentity(place: ColumnPlace): void {
  const { column, existing } = place;
  if (column.identity === existing.identity) return;
  const alter = alterColumn(place);
  const when = column.identity === 'always' ? 'always' : 'by default';
  if (column.identity === 'none') {
    push(place, 'drop_identity', [blocking(`${alter} drop identity`)], {
      destructive: true,
      reason: 'only the destination has an identity, and its position goes with it',
    });
  } else if (existing.identity === 'none') {
    const add = `${alter} add generated ${when} as identity${identityOptions(column.identityOptions)}`;
    // It takes the place of a default.
    const dropDefault = existing.expression === null ? [] : [blocking(`${alter} drop default`)];
    push(place, 'add_identity', [...dropDefault, blocking(add)], {
      reason: 'the destination lacks the identity',
    });
  } else {
    push(place, 'set_identity', [blocking(`${alter} set generated ${when}`)], {
      reason: `the identity is generated ${existing.identity.replace('_', ' ')}, on the source ${when}`,
    });
  }
}

/** Options of the sequences behind a column. Where they stand is carried along elsewhere. */
function diffSequences(place: ColumnPlace): void {
  const { column, existing } = place;
  const pairs: (readonly [SequenceOptions, SequenceOptions & { schema: string; name: string }])[] =
    [];
  if (column.identityOptions && existing.identityOptions) {
    pairs.push([column.identityOptions, existing.identityOptions]);
  }
  column.sequences.forEach((sequence, at) => {
    const other = existing.sequences[at];
    if (other && column.sequences.length === existing.sequences.length)
      pairs.push([sequence, other]);
  });
  for (const [wanted, present] of pairs) {
    const sql = `as ${wanted.dataType} ${sequenceOptions(wanted)}`;
    if (sql === `as ${present.dataType} ${sequenceOptions(present)}`) continue;
    const name = quoteQualifiedName({ schema: present.schema, table: present.name });
    push(place, 'alter_sequence', [online(`alter sequence ${name} ${sql}`)], {
      locks: 'SHARE ROW EXCLUSIVE on the sequence, briefly',
      reason: 'the options of the sequence differ',
    });
  }
}

function diffGeneration(place: ColumnPlace, versionNumber: number): void {
  const { pair, column, existing } = place;
  const alter = alterColumn(place);
  if (isGenerated(column) && isGenerated(existing)) {
    if (column.expression === existing.expression) return;
    if (versionNumber >= SET_EXPRESSION_VERSION && column.expression !== null) {
      push(
        place,
        'set_generated',
        [blocking(`${alter} set expression as (${column.expression})`)],
        {
          locks: REWRITE_LOCKS,
          reason: 'the expression of the generated column differs',
          rewrites: existing.generation === 'stored',
        },
      );
    } else replaceColumn(place, versionNumber, 'the expression of the generated column differs');
  } else if (isGenerated(column)) {
    replaceColumn(place, versionNumber, 'the source generates the column');
  } else if (existing.generation === 'stored') {
    push(place, 'drop_generated', [blocking(`${alter} drop expression`)], {
      reason: 'only the destination generates the column; its values stay',
    });
  } else if (existing.generation === 'virtual') {
    const reason =
      'only the destination generates the column, and it stores no values that could stay: drop it, then copy the table again';
    place.sink.notes.push({ object: objectText(pair, column.name), reason });
  }
}

/** Its values are the expression's, so nothing of the source's is lost; what the destination had there is. */
function replaceColumn(place: ColumnPlace, versionNumber: number, reason: string): void {
  const { pair, column } = place;
  const hasVirtualColumns = versionNumber >= VIRTUAL_COLUMNS_VERSION;
  const definition = columnDefinition(column, column.expression, hasVirtualColumns);
  const table = tableSql(pair);
  const statement = `alter table ${table} drop column ${quoteIdentifier(column.name)}, add column ${definition}`;
  push(place, 'replace_column', [blocking(statement), ...dependentStatements(place)], {
    destructive: true,
    rewrites: true,
    locks: REWRITE_LOCKS,
    reason,
  });
}

/** Makes again what the destination loses along with the column: indexes, constraints and statistics, as it had them. */
function dependentStatements({ pair, column }: ColumnPlace): readonly ChangeStatement[] {
  const { indexes, constraints, foreignKeys, statistics } = pair.destination;
  const table = tableSql(pair);
  const needs = ({ columns }: { readonly columns: readonly string[] }): boolean =>
    columns.includes(column.name);
  const added = [
    ...constraints.filter(needs).map(({ name, definition }) => ({ name, definition })),
    ...foreignKeys.filter(needs).map((key) => ({ name: key.name, definition: definitionOf(key) })),
  ];
  return [
    ...indexes
      .filter((index) => index.constraint === null && index.isValid && needs(index))
      .map(({ isUnique, name, body }) =>
        blocking(
          `create ${isUnique ? 'unique ' : ''}index ${quoteIdentifier(name)} on ${table} ${body}`,
        ),
      ),
    ...added.map(({ name, definition }) =>
      blocking(`alter table ${table} add constraint ${quoteIdentifier(name)} ${definition}`),
    ),
    ...statistics.filter(needs).map((object) => online(createStatisticsSql(object, table))),
  ];
}

/** From version 18 on NOT NULL is a constraint with a name. */
function diffNotNullName(place: ColumnPlace): void {
  const { pair, column, existing } = place;
  const [wanted, present] = [column.notNullConstraint, existing.notNullConstraint];
  if (!wanted || !present?.isLocal || wanted.name === present.name) return;
  const isChosen = wanted.name === `${pair.source.name.table}_${column.name}_not_null`;
  if (isChosen && pair.source.name.table !== pair.destination.name.table) return;
  const [from, to] = [present.name, wanted.name].map(quoteIdentifier);
  push(
    place,
    'rename_not_null',
    [blocking(`alter table ${tableSql(pair)} rename constraint ${from} to ${to}`)],
    { reason: 'the constraint behind NOT NULL has another name' },
  );
}

function push(
  { pair, column, sink }: ColumnPlace,
  kind: StructureChange['kind'],
  statements: readonly ChangeStatement[],
  more: Partial<StructureChange> & { readonly reason: string },
): void {
  sink.changes.push(
    changeOf({
      kind,
      object: objectText(pair, column.name),
      table: tableText(pair),
      statements,
      locks: 'ACCESS EXCLUSIVE on the table, briefly',
      ...more,
    }),
  );
}

const alterColumn = ({ pair, column }: ColumnPlace): string =>
  `alter table ${tableSql(pair)} alter column ${quoteIdentifier(column.name)}`;
const isGenerated = (column: ColumnModel): boolean => column.generation !== 'none';

const SET_EXPRESSION_VERSION = 170_000;
const VIRTUAL_COLUMNS_VERSION = 180_000;
const REWRITE_LOCKS = 'ACCESS EXCLUSIVE on the table, as long as it takes to write it anew';
