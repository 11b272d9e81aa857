import { type QualifiedName, quoteIdentifier } from '@bunnydb/pg-model';
import type { SequenceModel } from './catalog-model.js';
import { comparableDefault, defaultOf, sequenceName } from './column-ddl.js';
import { blocking, changeOf } from './structure-change.js';
import { type DiffSink, type TablePair, objectText, tableSql, tableText } from './table-pair.js';

/** A partition may have defaults of its own, for rows that are written to it directly. Sequences are those of its root. */
export function diffPartitionDefaults(pair: TablePair, sink: DiffSink): void {
  const { source, destination, mapping } = pair;
  const theirs = new Map(destination.columns.map((column) => [column.name, column]));
  for (const column of source.columns) {
    const existing = theirs.get(column.name);
    if (existing === undefined || mapping.exclude_columns.includes(column.name)) continue;
    const isFilled = [column, existing].some(
      ({ generation, identity }) => generation !== 'none' || identity !== 'none',
    );
    const wanted = comparableDefault(column, (sequence) =>
      sequenceName(sequence, column.name, source.root, mapping.destination),
    );
    if (isFilled || wanted === comparableDefault(existing, nameOf)) continue;
    const expression = defaultOf(column, source.root, mapping.destination);
    const alter = `alter table only ${tableSql(pair)} alter column ${quoteIdentifier(column.name)}`;
    sink.changes.push(
      changeOf({
        kind: expression === null ? 'drop_default' : 'set_default',
        object: objectText(pair, column.name),
        table: tableText(pair),
        statements: [
          blocking(
            expression === null ? `${alter} drop default` : `${alter} set default ${expression}`,
          ),
        ],
        locks: 'ACCESS EXCLUSIVE on the partition, briefly',
        reason: 'the default of the partition differs',
      }),
    );
  }
}

const nameOf = ({ schema, name }: SequenceModel): QualifiedName => ({ schema, table: name });
