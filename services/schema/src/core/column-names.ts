import type { TableMapping } from '@bunnydb/contracts';
import {
  type QualifiedName,
  quoteIdentifier,
  quoteLiteral,
  quoteQualifiedName,
} from '@bunnydb/pg-model';
import { keyOf } from './relation-facts.js';

/** The name that a source column has at the destination, by its attribute number, and the names that it had before. */
export interface NamedColumn {
  readonly number: number;
  readonly name: string;
  readonly formerNames: readonly string[];
}

/** What `_bunny.column_name` says of one table. */
export interface TableNames {
  readonly mirrorId: string;
  readonly columns: readonly NamedColumn[];
}

/** What `_bunny.column_name` says of a mirror's tables. */
export class ColumnNames {
  readonly mirrorId: string;
  readonly #byTable: ReadonlyMap<string, readonly NamedColumn[]>;

  constructor(mirrorId: string, byTable: ReadonlyMap<string, readonly NamedColumn[]>) {
    this.mirrorId = mirrorId;
    this.#byTable = byTable;
  }

  of(source: QualifiedName): TableNames {
    return { mirrorId: this.mirrorId, columns: this.#byTable.get(keyOf(source)) ?? [] };
  }
}

/** Nothing is known of any column's name. */
export const NO_COLUMN_NAMES = new ColumnNames('', new Map());

/** Whether the mirror leaves a column out: by its name, or by one that it had when the mapping was written. */
export function isExcluded(
  { exclude_columns: excluded }: TableMapping,
  column: { readonly name: string; readonly number?: number },
  names: readonly NamedColumn[],
): boolean {
  if (excluded.includes(column.name)) return true;
  const known = names.find((other) => other.number === column.number);
  if (known === undefined) return false;
  return [known.name, ...known.formerNames].some((name) => excluded.includes(name));
}

/** Renames a column at the destination and notes it, in one transaction: sent as one text, PostgreSQL runs both or none. */
export function renameColumnSql(
  mapping: Pick<TableMapping, 'source' | 'destination'>,
  mirrorId: string,
  { number, from, to }: { readonly number: number; readonly from: string; readonly to: string },
): string {
  return [
    renameSql(mapping.destination, from, to),
    noteNameSql(mapping.source, mirrorId, number, to),
  ].join(';\n');
}

export function renameSql(table: QualifiedName, from: string, to: string): string {
  return `alter table ${quoteQualifiedName(table)} rename column ${quoteIdentifier(from)} to ${quoteIdentifier(to)}`;
}

/** Notes that a column has another name now; the one that it had becomes a former name. */
export function noteNameSql(
  source: QualifiedName,
  mirrorId: string,
  number: number,
  name: string,
): string {
  const formerNames = `pg_catalog.array_append(pg_catalog.array_remove(former_names, ${text(name)}), name)`;
  return (
    `update _bunny.column_name set name = ${text(name)}, former_names = ${formerNames}` +
    ` where mirror_id = ${text(mirrorId)} and source_schema = ${text(source.schema)} and source_table = ${text(source.table)}` +
    ` and attribute_number = ${number} and name <> ${text(name)}`
  );
}

const text = (value: string): string => quoteLiteral(value).trim();
