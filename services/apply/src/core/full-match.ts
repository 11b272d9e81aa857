import { quoteIdentifier, quoteQualifiedName } from '@bunnydb/pg-model';
import type { DestinationColumn, DestinationTable } from './destination-table.js';

/** A column to compare, and the SQL of the value; null stands for NULL. */
export interface MatchedValue {
  readonly column: DestinationColumn;
  readonly value: string | null;
  /** The value is known only when the statement runs and may be NULL; an index cannot help then. */
  readonly mayBeNull?: boolean;
}

/**
 * The condition that finds *one* row of `t` by all its columns, where there is no key. Rows that are equal in every column cannot
 * be told apart, so any one of them is right, but only one.
 *
 * `=` is used where the type has one, so that an index can help. Where `=` may hold two different values for equal (numeric scale,
 * nondeterministic collations) the text is compared too; types without `=` (json, xml, point) are compared as text only.
 */
export function fullMatch(table: DestinationTable, values: readonly MatchedValue[]): string {
  const conditions = values.map(compare);
  const where = conditions.length > 0 ? ` where ${conditions.join(' and ')}` : '';
  const name = quoteQualifiedName(table.name);
  // A ctid is unique within one partition only.
  return table.isPartitioned
    ? `(t.tableoid, t.ctid) = (select x.tableoid, x.ctid from ${name} as x${where} limit 1)`
    : `t.ctid = (select x.ctid from only ${name} as x${where} limit 1)`;
}

function compare({ column, value, mayBeNull }: MatchedValue): string {
  const name = `x.${quoteIdentifier(column.name)}`;
  if (value === null) return `${name} is null`;
  const equals = mayBeNull === true ? 'is not distinct from' : '=';
  const asText = `${name}::text collate "C" ${equals} ${value}::text collate "C"`;
  switch (column.comparison) {
    case 'equal':
      return `${name} ${equals} ${value}`;
    case 'equal_and_text':
      return `${name} ${equals} ${value} and ${asText}`;
    case 'text':
      return asText;
  }
}
