import type { QualifiedName } from '@bunnydb/pg-model';
import type { RowLook } from './row-readings.js';
import {
  type ContentPart,
  type QuerySession,
  readShape,
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
  const here = await readShape(source, pair.source);
  const there = await readShape(destination, pair.destination);
  const excluded = new Set(pair.excludeColumns);
  const columns = (pair.columns ?? here?.columns ?? []).filter((column) => !excluded.has(column));
  if (here === undefined || there === undefined) {
    const side = here === undefined ? 'source' : 'destination';
    return { kind: 'other_shape', table, difference: `${table}: the ${side} lacks the table` };
  }
  const missing = columns.filter((column) => !there.columns.includes(column));
  if (missing.length > 0) {
    const difference = `${table}: the destination lacks the columns ${missing.join(', ')}`;
    return { kind: 'other_shape', table, difference };
  }
  const key = await readPrimaryKey(source, pair.source);
  const look = { columns, key: key.every((column) => columns.includes(column)) ? key : [] };
  const identity = look.key.length === 0 ? columns : look.key;
  const digits = await readPartDigits(source, pair.source);
  const [sourceParts, destinationParts] = await Promise.all([
    readContentParts(source, here.from, columns, identity, digits),
    readContentParts(destination, there.from, columns, identity, digits),
  ]);
  return {
    kind: 'same_shape',
    table,
    source: { ...look, table: pair.source, from: here.from },
    destination: { ...look, table: pair.destination, from: there.from },
    digits,
    sourceParts,
    destinationParts,
  };
}
