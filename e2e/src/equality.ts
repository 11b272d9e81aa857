import type pg from 'pg';
import { type QualifiedName, quoteIdentifier, quoteQualifiedName } from '@bunnydb/pg-model';

/** A table on both sides; names as the catalogs store them. */
export interface TablePair {
  readonly source: QualifiedName;
  readonly destination: QualifiedName;
  /** Columns to compare; by default all of the source's that are not generated. */
  readonly columns?: readonly string[];
}

/** Above this many rows, content is compared by an order-independent hash instead of row by row. */
const ROW_BY_ROW_MAX = 60_000;
const SHOWN_DIFFERENCES_MAX = 5;
const SHOWN_ROW_CHARS_MAX = 300;

/** A pair with the same name on both sides. */
export function samePair(schema: string, table: string): TablePair {
  return { source: { schema, table }, destination: { schema, table } };
}

/**
 * Compares one table row by row, as text.
 *
 * @returns null when both sides are equal, else what differs, for a person to read.
 */
export async function differenceOf(
  source: pg.Client,
  destination: pg.Client,
  pair: TablePair,
): Promise<string | null> {
  const name = `${pair.source.schema}.${pair.source.table}`;
  const columns = pair.columns ?? (await columnsOf(source, pair.source));
  const [left, right] = await Promise.all([
    rowCount(source, pair.source),
    rowCount(destination, pair.destination),
  ]);
  if (columns.length === 0 || left > ROW_BY_ROW_MAX || right > ROW_BY_ROW_MAX) {
    if (left !== right)
      return `${name}: ${left} rows at the source, ${right} rows at the destination`;
    if (columns.length === 0) return null;
    const [leftHash, rightHash] = await Promise.all([
      contentHash(source, pair.source, columns),
      contentHash(destination, pair.destination, columns),
    ]);
    return leftHash === rightHash ? null : `${name}: ${left} rows on both sides, but other content`;
  }
  const [sourceRows, destinationRows] = await Promise.all([
    sortedRows(source, pair.source, columns),
    sortedRows(destination, pair.destination, columns),
  ]);
  return describeDifference(name, sourceRows, destinationRows);
}

async function columnsOf(client: pg.Client, table: QualifiedName): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(
    `select attname as name from pg_attribute
     where attrelid = $1::regclass and attnum > 0 and not attisdropped and attgenerated = '' order by attnum`,
    [quoteQualifiedName(table)],
  );
  return rows.map((row) => row.name);
}

async function rowCount(client: pg.Client, table: QualifiedName): Promise<number> {
  const { rows } = await client.query<{ n: string }>(
    `select count(*) as n from ${quoteQualifiedName(table)}`,
  );
  return Number(rows[0]?.n);
}

async function contentHash(
  client: pg.Client,
  table: QualifiedName,
  columns: readonly string[],
): Promise<string> {
  const { rows } = await client.query<{ hash: string }>(
    `select coalesce(sum(hashtextextended(${rowText(columns)}, 0)::numeric), 0)::text as hash
     from ${quoteQualifiedName(table)}`,
  );
  return rows[0]?.hash ?? '';
}

async function sortedRows(
  client: pg.Client,
  table: QualifiedName,
  columns: readonly string[],
): Promise<string[]> {
  const { rows } = await client.query<[string]>({
    text: `select ${rowText(columns)} from ${quoteQualifiedName(table)}`,
    rowMode: 'array',
  });
  return rows.map((row) => row[0]).sort();
}

const rowText = (columns: readonly string[]): string =>
  `row(${columns.map(quoteIdentifier).join(', ')})::text`;

/** Walks both sorted lists as a merge does, and names what only one side has. */
function describeDifference(
  name: string,
  source: readonly string[],
  destination: readonly string[],
): string | null {
  const lines: string[] = [];
  let differences = 0;
  let [i, j] = [0, 0];
  while (i < source.length || j < destination.length) {
    const [left, right] = [source[i], destination[j]];
    if (left === right) {
      i += 1;
      j += 1;
      continue;
    }
    differences += 1;
    const onlyLeft = right === undefined || (left !== undefined && left < right);
    const text = (onlyLeft ? left : right) ?? '';
    if (lines.length < SHOWN_DIFFERENCES_MAX) {
      lines.push(
        `  only at the ${onlyLeft ? 'source' : 'destination'}: ${text.slice(0, SHOWN_ROW_CHARS_MAX)}`,
      );
    }
    if (onlyLeft) i += 1;
    else j += 1;
  }
  return differences === 0
    ? null
    : `${name}: ${differences} rows differ (${source.length} at the source, ${destination.length} at the destination)\n${lines.join('\n')}`;
}
