import type { ColumnModel } from './catalog-model.js';
import { noteNameSql, renameColumnSql, renameSql } from './column-names.js';
import { placeColumns } from './follow-placement.js';
import { blocking, changeOf } from './structure-change.js';
import { type ColumnPair, type DiffSink, objectText, tableText } from './table-pair.js';

/** The destination's columns as they are called once those that were renamed on the source are renamed there. */
export function renameColumns(
  pair: ColumnPair,
  carried: readonly ColumnModel[],
  sink: DiffSink,
): readonly ColumnModel[] {
  return untangleColumns(pair, carried, sink) ?? renameFreely(pair, carried, sink);
}

/** Each rename by itself: its old name is needed by nobody, and its new one is free. */
function renameFreely(
  pair: ColumnPair,
  carried: readonly ColumnModel[],
  sink: DiffSink,
): readonly ColumnModel[] {
  const { names, destination, mapping } = pair;
  const wanted = new Set(carried.map((column) => column.name));
  const present = new Set(destination.columns.map((column) => column.name));
  const renamed = new Map<string, string>();
  for (const { number, name: to } of carried) {
    const from = names?.columns.find((column) => column.number === number)?.name;
    if (names === undefined || number === undefined || from === undefined || from === to) continue;
    if (!present.has(from) || present.has(to) || wanted.has(from)) continue;
    renamed.set(from, to);
    sink.changes.push(
      changeOf({
        kind: 'rename_column',
        object: objectText(pair, to),
        table: tableText(pair),
        statements: [blocking(renameColumnSql(mapping, names.mirrorId, { number, from, to }))],
        locks: 'ACCESS EXCLUSIVE on the table, briefly',
        reason: `the source has renamed the column ${from}`,
      }),
    );
  }
  return destination.columns.map((column) => ({
    ...column,
    name: renamed.get(column.name) ?? column.name,
  }));
}

/**
 * All renames of a table at once, where a name went from one column to another: rows of the shape before, which may wait in a lane, would find the wrong column under it, so that the table is
 * copied again. Undefined when no name did.
 */
function untangleColumns(
  pair: ColumnPair,
  carried: readonly ColumnModel[],
  sink: DiffSink,
): readonly ColumnModel[] | undefined {
  const { names, source, destination, mapping } = pair;
  if (names === undefined) return undefined;
  const targets = carried.map(({ name, type, number = null }) => ({
    ...{ name, type, number },
    column: null,
  }));
  const placed = placeColumns(
    targets,
    new Set(destination.columns.map((column) => column.name)),
    names.columns,
    new Set(source.columns.flatMap(({ number }) => (number === undefined ? [] : [number]))),
  );
  if (placed === undefined || placed.retaken.length === 0) return undefined;
  const { renames, retaken } = placed;
  const words = renames.map(({ from, to }) => `${from} to ${to}`).join(', ');
  const statements = [
    ...renames.map(({ from, to }) => renameSql(mapping.destination, from, to)),
    ...renames.flatMap(({ number, to }) =>
      number === null ? [] : [noteNameSql(mapping.source, names.mirrorId, number, to)],
    ),
  ];
  sink.changes.push(
    changeOf({
      kind: 'rename_column',
      object: objectText(pair, retaken.join(', ')),
      table: tableText(pair),
      // One text, which PostgreSQL runs in one transaction.
      statements: [blocking(statements.join(';\n'))],
      locks: 'ACCESS EXCLUSIVE on the table, briefly',
      reason: `the source has renamed columns (${words}), and names went from one to another, so that the table is copied again`,
      needsCopy: true,
    }),
  );
  return destination.columns.map((column) => ({
    ...column,
    name: renames.reduce((last, { from, to }) => (last === from ? to : last), column.name),
  }));
}
