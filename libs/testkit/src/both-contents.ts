import type { QualifiedName } from '@bunnydb/pg-model';
import type { RowLook } from './row-readings.js';
import {
  type ContentPart,
  type QuerySession,
  readColumns,
  readContentParts,
  readPartDigits,
  readPrimaryKey,
} from './table-content.js';

/** A table and its mirror. */
export interface ComparedTable {
  readonly source: QualifiedName;
  readonly destination: QualifiedName;
  /** By default all of the source's. */
  readonly columns?: readonly string[];
  readonly excludeColumns?: readonly string[];
}

/** A pair with the same name on both sides. */
export function samePair(schema: string, table: string): ComparedTable {
  return { source: { schema, table }, destination: { schema, table } };
}

/** Both sides' rows of a table, by parts. */
export interface BothContents {
  readonly kind: 'same_shape';
  readonly table: string;
  readonly source: RowLook;
  readonly destination: RowLook;
  readonly digits: number;
  readonly sourceParts: ReadonlyMap<string, ContentPart>;
  readonly destinationParts: ReadonlyMap<string, ContentPart>;
}

/** The table, or a column that is to be compared, is not there. */
export interface OtherShape {
  readonly kind: 'other_shape';
  readonly table: string;
  readonly difference: string;
}

/** Reads all rows of a table on both sides, if it has the compared columns there. */
export async function readBothContents(
  source: QuerySession,
  destination: QuerySession,
  pair: ComparedTable,
): Promise<BothContents | OtherShape> {
  const table = `${pair.source.schema}.${pair.source.table}`;
  const found = await readColumns(source, pair.source);
  const there = await readColumns(destination, pair.destination);
  const excluded = new Set(pair.excludeColumns);
  const columns = (pair.columns ?? found ?? []).filter((column) => !excluded.has(column));
  const lacking = found === undefined ? 'the source lacks the table' : lackOf(columns, there);
  if (lacking !== '') {
    return { kind: 'other_shape', table, difference: `${table}: ${lacking}` };
  }
  const key = await readPrimaryKey(source, pair.source);
  const look = { columns, key: key.every((column) => columns.includes(column)) ? key : [] };
  const identity = look.key.length === 0 ? columns : look.key;
  const digits = await readPartDigits(source, pair.source);
  const [sourceParts, destinationParts] = await Promise.all([
    readContentParts(source, pair.source, columns, identity, digits),
    readContentParts(destination, pair.destination, columns, identity, digits),
  ]);
  return {
    kind: 'same_shape',
    table,
    source: { ...look, table: pair.source },
    destination: { ...look, table: pair.destination },
    digits,
    sourceParts,
    destinationParts,
  };
}

function lackOf(columns: readonly string[], there: readonly string[] | undefined): string {
  if (there === undefined) return 'the destination lacks the table';
  const missing = columns.filter((column) => !there.includes(column));
  return missing.length === 0 ? '' : `the destination lacks the columns ${missing.join(', ')}`;
}
