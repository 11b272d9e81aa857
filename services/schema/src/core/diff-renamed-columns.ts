import type { ColumnModel } from './catalog-model.js';
import { renameColumnSql } from './column-names.js';
import { blocking, changeOf } from './structure-change.js';
import { type ColumnPair, type DiffSink, objectText, tableText } from './table-pair.js';

/** The destination's columns as they are called once those that were renamed on the source are renamed there. */
export function renameColumns(
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
    // A name that is needed or taken is untangled where the place in the stream is known.
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
