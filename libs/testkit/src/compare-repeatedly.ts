import {
  type ComparedTable,
  type DatabaseComparison,
  type TableComparison,
  compareTable,
  findDifferingKeys,
  inSnapshot,
} from './compare-tables.js';
import { readColumns, readPrimaryKey, readRowDigests } from './table-content.js';

export interface RepeatedComparison extends DatabaseComparison {
  /** How many rows were being written and had to be looked at again until they were seen equal. */
  readonly rowsSettled: number;
}

export interface RepeatOptions {
  readonly tries: number;
  /** Called after the source was read and before the destination is: waits until the destination has what was read. */
  readonly catchUp: () => Promise<void>;
}

/** Above this, a table is read again as a whole. */
const FOLLOWED_KEYS_MAX = 20_000;

/**
 * Compares two databases while the source is written to by others.
 *
 * The snapshots of two servers are moments apart, so a row that is written in between looks different. Every table is therefore compared as a whole
 * first; then only the rows that differed are read again, each time after the destination has caught up, until each of them has been
 * seen equal. What this shows: of every row, source and destination had the same version at some moment of the comparison. A row that was lost,
 * doubled or damaged stays different however often it is read, and is reported. A table without a key is read again as a whole.
 */
export async function compareRepeatedly(
  sourceUrl: string,
  destinationUrl: string,
  tables: readonly ComparedTable[],
  options: RepeatOptions,
): Promise<RepeatedComparison> {
  const compared: TableComparison[] = [];
  let rowsSettled = 0;
  for (const pair of tables) {
    let comparison = await compareOnce(sourceUrl, destinationUrl, pair, options);
    if (!comparison.equal) {
      const suspects = await suspectsOf(sourceUrl, destinationUrl, pair, options);
      if (suspects === undefined) {
        comparison = await compareAgain(sourceUrl, destinationUrl, pair, options, comparison);
      } else {
        const left = await settle(sourceUrl, destinationUrl, suspects, options);
        rowsSettled += suspects.keys.length - left;
        if (left === 0) comparison = { ...comparison, equal: true, difference: '' };
      }
    }
    compared.push(comparison);
  }
  return {
    equal: compared.every(({ equal }) => equal),
    tables: compared,
    rows: compared.reduce((sum, { sourceRows }) => sum + sourceRows, 0),
    rowsSettled,
  };
}

function compareOnce(
  sourceUrl: string,
  destinationUrl: string,
  pair: ComparedTable,
  options: RepeatOptions,
): Promise<TableComparison> {
  return inSnapshot(sourceUrl, async (source) => {
    await options.catchUp();
    return inSnapshot(destinationUrl, (destination) => compareTable(source, destination, pair));
  });
}

async function compareAgain(
  sourceUrl: string,
  destinationUrl: string,
  pair: ComparedTable,
  options: RepeatOptions,
  first: TableComparison,
): Promise<TableComparison> {
  let last = first;
  for (let attempt = 1; attempt < options.tries && !last.equal; attempt += 1) {
    last = await compareOnce(sourceUrl, destinationUrl, pair, options);
  }
  return last;
}

/** Rows to be followed until they were seen equal. */
interface Suspects {
  readonly pair: ComparedTable;
  readonly columns: readonly string[];
  readonly key: readonly string[];
  readonly keys: readonly string[];
}

/** `undefined` when the rows of this table cannot be followed one by one. */
async function suspectsOf(
  sourceUrl: string,
  destinationUrl: string,
  pair: ComparedTable,
  options: RepeatOptions,
): Promise<Suspects | undefined> {
  return inSnapshot(sourceUrl, async (source) => {
    await options.catchUp();
    return inSnapshot(destinationUrl, async (destination) => {
      const key = await readPrimaryKey(source, pair.source);
      const excluded = new Set(pair.excludeColumns);
      const present = new Set(await readColumns(destination, pair.destination));
      const wanted = await readColumns(source, pair.source);
      const columns = wanted.filter((column) => !excluded.has(column));
      if (key.length === 0 || columns.some((column) => !present.has(column))) return undefined;
      const keysMax = FOLLOWED_KEYS_MAX;
      const found = await findDifferingKeys(source, destination, pair, { columns, key, keysMax });
      // `>=`: the search stops there, and there may be more.
      if (found.length >= keysMax) return undefined;
      return { pair, columns, key, keys: found.map((differing) => differing.key) };
    });
  });
}

/** Reads the suspects again and again; returns how many were never seen equal. */
async function settle(
  sourceUrl: string,
  destinationUrl: string,
  { pair, columns, key, keys }: Suspects,
  options: RepeatOptions,
): Promise<number> {
  let left = keys;
  for (let attempt = 0; attempt < options.tries && left.length > 0; attempt += 1) {
    const here = await inSnapshot(sourceUrl, (source) =>
      readRowDigests(source, pair.source, columns, key, left),
    );
    await options.catchUp();
    const there = await inSnapshot(destinationUrl, (destination) =>
      readRowDigests(destination, pair.destination, columns, key, left),
    );
    // A row that is gone on both sides is equal as well.
    left = left.filter((name) => here.get(name) !== there.get(name));
  }
  return left.length;
}
