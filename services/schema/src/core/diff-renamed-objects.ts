import { quoteIdentifier, quoteQualifiedName } from '@bunnydb/pg-model';
import { blocking, changeOf } from './structure-change.js';
import { type DiffSink, type TablePair, objectText, tableSql, tableText } from './table-pair.js';

/**
 * A constraint that the source has renamed: it is renamed here, too, and nothing is built. The index behind a key goes along. Where somebody else has the
 * name it stays as it is called, since it is the same constraint all the same.
 */
export function renameConstraint(pair: TablePair, from: string, to: string, sink: DiffSink): void {
  const { destination } = pair;
  const others = [...destination.constraints, ...destination.foreignKeys];
  const isKey = destination.indexes.some((index) => index.constraint === from);
  const name = isKey ? sink.names.claim(pair, to) : to;
  if (others.some((other) => other.name === name)) return;
  sink.changes.push(
    changeOf({
      kind: 'rename_constraint',
      object: objectText(pair, from),
      table: tableText(pair),
      statements: [
        blocking(
          `alter table ${tableSql(pair)} rename constraint ${quoteIdentifier(from)} to ${quoteIdentifier(name)}`,
        ),
      ],
      locks: 'ACCESS EXCLUSIVE on the table, briefly',
      reason: 'the source has renamed the constraint',
    }),
  );
}

/** The same for an index that no constraint stands before. */
export function renameIndex(pair: TablePair, from: string, to: string, sink: DiffSink): void {
  const { schema } = pair.destination.name;
  const name = sink.names.claim(pair, to);
  sink.changes.push(
    changeOf({
      kind: 'rename_index',
      object: objectText(pair, from),
      table: tableText(pair),
      statements: [
        blocking(
          `alter index ${quoteQualifiedName({ schema, table: from })} rename to ${quoteIdentifier(name)}`,
        ),
      ],
      locks: 'SHARE UPDATE EXCLUSIVE on the index, briefly',
      reason: 'the source has renamed the index',
    }),
  );
}
