import { type QualifiedName, quoteIdentifier, quoteQualifiedName } from '@bunnydb/pg-model';
import type { ColumnModel } from './catalog-model.js';
import { type DestinationObjects, type TablePlace, notNullElement } from './column-ddl.js';

/** A table to inherit from, as the destination has it. */
export interface InheritedTable {
  readonly source: QualifiedName;
  readonly destination: QualifiedName;
  /** Those that the mirror carries. */
  readonly columns: readonly ColumnModel[];
}

export interface InheritedColumns {
  /** Columns that the table itself has to declare. */
  readonly own: readonly ColumnModel[];
  /** Further elements of CREATE TABLE. */
  readonly elements: readonly string[];
  /** Statements for what differs from the parents. */
  readonly after: readonly string[];
}

/** Tells the columns that come from parents (INHERITS) from those to be declared, and what the table has otherwise than its parents. */
export function inheritedColumns(
  columns: readonly ColumnModel[],
  parents: readonly InheritedTable[],
  place: TablePlace,
  objects: DestinationObjects,
  defaultAt: (column: ColumnModel) => string | null,
): InheritedColumns {
  const own: ColumnModel[] = [];
  const elements: string[] = [];
  const after: string[] = [];
  for (const column of columns) {
    const above = parents.flatMap((parent) =>
      parent.columns.filter((other) => other.name === column.name),
    );
    const [first] = above;
    if (first === undefined || column.isLocal) {
      own.push(column);
      continue;
    }
    const alter = `alter table only ${quoteQualifiedName(place.destination)} alter column ${quoteIdentifier(column.name)}`;
    const isGiven = above.every((other) => other.expression === column.expression);
    if (!isGiven && column.generation === 'none') {
      const expression = defaultAt(column);
      after.push(
        expression === null ? `${alter} drop default` : `${alter} set default ${expression}`,
      );
    }
    if (column.notNullConstraint?.isLocal === true && objects.hasNotNullConstraints) {
      elements.push(notNullElement(column, place.source));
    } else if (column.isNotNull && !above.some((other) => other.isNotNull)) {
      after.push(`${alter} set not null`);
    }
  }
  return { own, elements, after };
}
