import { type QualifiedName, quoteIdentifier, quoteQualifiedName } from '@bunnydb/pg-model';
import type { CopyFormat } from './copy-columns.js';
import type { CopyRange } from './copy-range.js';

/** What both statements of one range are made of. */
export interface CopyStatementParts {
  readonly range: CopyRange;
  readonly destination: QualifiedName;
  readonly columns: readonly string[];
  readonly rowFilter?: string;
  readonly format: CopyFormat;
}

/** `copy (select …) to stdout` for a range of the source. */
export function copyOutStatement(parts: CopyStatementParts): string {
  return `copy (select ${columnList(parts.columns)} ${fromClause(parts)}) to stdout${formatClause(parts)}`;
}

/** `copy … from stdin` into the destination. */
export function copyInStatement(parts: CopyStatementParts): string {
  const table = quoteQualifiedName(parts.destination);
  return `copy ${table} (${columnList(parts.columns)}) from stdin${formatClause(parts)}`;
}

/** How many rows a range holds: stands in for a copy when there is no column to copy. */
export function countStatement(parts: CopyStatementParts): string {
  return `select pg_catalog.count(*) as rows ${fromClause(parts)}`;
}

/** Adds rows that have nothing but defaults: `$1` is how many. */
export function insertEmptyRowsStatement(destination: QualifiedName): string {
  return `insert into ${quoteQualifiedName(destination)} select from pg_catalog.generate_series(1, $1::bigint)`;
}

function fromClause({ range, rowFilter }: CopyStatementParts): string {
  const conditions: string[] = [];
  if (range.firstBlock > 0) conditions.push(`ctid >= '(${range.firstBlock},0)'::pg_catalog.tid`);
  if (range.endBlock !== null) conditions.push(`ctid < '(${range.endBlock},0)'::pg_catalog.tid`);
  // On a line of its own: the filter is the user's and may end in a comment.
  if (rowFilter !== undefined) conditions.push(`(${rowFilter}\n)`);
  const where = conditions.length > 0 ? ` where ${conditions.join(' and ')}` : '';
  // ONLY: rows of inheriting tables belong to those, and partitions are listed one by one.
  return `from only ${quoteQualifiedName(range.relation)}${where}`;
}

function columnList(columns: readonly string[]): string {
  return columns.map(quoteIdentifier).join(', ');
}

function formatClause({ format }: CopyStatementParts): string {
  return format === 'binary' ? ' with (format binary)' : '';
}
