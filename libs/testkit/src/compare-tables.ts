import pg from 'pg';
import type { QualifiedName } from '@bunnydb/pg-model';
import {
  COMPARABLE_SESSION_SQL,
  type QuerySession,
  readColumns,
  readContentParts,
  readPartKeys,
  readPrimaryKey,
  readTableContent,
  readTableNames,
} from './table-content.js';

/** A table and its mirror. */
export interface ComparedTable {
  readonly source: QualifiedName;
  readonly destination: QualifiedName;
  readonly excludeColumns?: readonly string[];
}

export interface TableComparison {
  readonly table: string;
  readonly equal: boolean;
  readonly sourceRows: number;
  readonly destinationRows: number;
  /** In words; empty when equal. */
  readonly difference: string;
}

export interface DatabaseComparison {
  readonly equal: boolean;
  readonly tables: readonly TableComparison[];
  readonly rows: number;
}

const SHOWN_KEYS_MAX = 5;

/**
 * Compares the content of two databases, table by table and row by row (by digests of every row), each side in one snapshot.
 *
 * This proves that the sides are equal only if the caller has made sure that both snapshots stand at the same position: with writers at rest,
 * by waiting until the destination's position has passed the source's last commit. While writes go on, a difference proves nothing,
 * since the destination's snapshot is a moment younger or older; equality still means that the content was the same.
 *
 * @param tables by default every table of the source.
 */
export async function equalDatabases(
  sourceUrl: string,
  destinationUrl: string,
  tables?: readonly ComparedTable[],
): Promise<DatabaseComparison> {
  return inSnapshot(sourceUrl, (source) =>
    inSnapshot(destinationUrl, async (destination) => {
      const pairs =
        tables ??
        (await readTableNames(source)).map((name) => ({ source: name, destination: name }));
      const compared: TableComparison[] = [];
      for (const pair of pairs) compared.push(await compareTable(source, destination, pair));
      return {
        equal: compared.every(({ equal }) => equal),
        tables: compared,
        rows: compared.reduce((sum, { sourceRows }) => sum + sourceRows, 0),
      };
    }),
  );
}

/** Compares one table under whatever snapshots the sessions hold; they must have run `COMPARABLE_SESSION_SQL`. */
export async function compareTable(
  source: QuerySession,
  destination: QuerySession,
  pair: ComparedTable,
): Promise<TableComparison> {
  const table = `${pair.source.schema}.${pair.source.table}`;
  const excluded = new Set(pair.excludeColumns);
  const wanted = (await readColumns(source, pair.source)).filter((column) => !excluded.has(column));
  const present = new Set(await readColumns(destination, pair.destination));
  const missing = wanted.filter((column) => !present.has(column));
  if (wanted.length === 0 || missing.length > 0) {
    const difference =
      wanted.length === 0
        ? `${table}: no such table at the source, or no columns`
        : `${table}: the destination lacks ${present.size === 0 ? 'the table' : `the columns ${missing.join(', ')}`}`;
    return { table, equal: false, sourceRows: 0, destinationRows: 0, difference };
  }
  const [left, right] = await Promise.all([
    readTableContent(source, pair.source, wanted),
    readTableContent(destination, pair.destination, wanted),
  ]);
  const equal = left.rows === right.rows && left.digest === right.digest;
  const difference = equal
    ? ''
    : `${table}: ${left.rows} rows at the source, ${right.rows} at the destination; ` +
      (await describeKeys(source, destination, pair, wanted));
  return { table, equal, sourceRows: left.rows, destinationRows: right.rows, difference };
}

/** Names the first keys that differ; values of other columns are never shown. */
async function describeKeys(
  source: QuerySession,
  destination: QuerySession,
  pair: ComparedTable,
  columns: readonly string[],
): Promise<string> {
  const key = await readPrimaryKey(source, pair.source);
  if (key.length === 0)
    return 'without a primary key the rows cannot be named, nor be compared while they are written';
  const found = await findDifferingKeys(source, destination, pair, {
    columns,
    key,
    keysMax: SHOWN_KEYS_MAX,
  });
  const words = found.slice(0, SHOWN_KEYS_MAX).map(({ key: name, how }) => `${name} ${how}`);
  return `at the destination, key (${key.join(', ')}): ${words.join(', ')}`;
}

export interface DifferingKey {
  /** As PostgreSQL writes a row of the key's columns: `(7)`. */
  readonly key: string;
  readonly how: 'is missing' | 'differs' | 'is too many';
}

/** Finds the keys whose rows differ, until there are `keysMax` (or a few more) of them. */
export async function findDifferingKeys(
  source: QuerySession,
  destination: QuerySession,
  pair: ComparedTable,
  options: {
    readonly columns: readonly string[];
    readonly key: readonly string[];
    readonly keysMax: number;
  },
): Promise<DifferingKey[]> {
  const { columns, key, keysMax } = options;
  const [left, right] = await Promise.all([
    readContentParts(source, pair.source, columns, key),
    readContentParts(destination, pair.destination, columns, key),
  ]);
  const differing = [...new Set([...left.keys(), ...right.keys()])]
    .sort()
    .filter((part) => left.get(part) !== right.get(part));
  const found: DifferingKey[] = [];
  for (const part of differing) {
    if (found.length >= keysMax) break;
    const [leftKeys, rightKeys] = await Promise.all([
      readPartKeys(source, pair.source, columns, key, part),
      readPartKeys(destination, pair.destination, columns, key, part),
    ]);
    for (const [name, digest] of leftKeys) {
      const other = rightKeys.get(name);
      if (other === undefined) found.push({ key: name, how: 'is missing' });
      else if (other !== digest) found.push({ key: name, how: 'differs' });
    }
    for (const name of rightKeys.keys()) {
      if (!leftKeys.has(name)) found.push({ key: name, how: 'is too many' });
    }
  }
  return found;
}

/** Runs `work` in one repeatable snapshot of the database, with the settings under which values compare. */
export async function inSnapshot<T>(
  url: string,
  work: (session: QuerySession) => Promise<T>,
): Promise<T> {
  const client = new pg.Client({ connectionString: url, application_name: 'bunnydb compare' });
  client.on('error', () => undefined);
  await client.connect();
  try {
    await client.query(COMPARABLE_SESSION_SQL);
    await client.query('begin isolation level repeatable read read only');
    // The snapshot is taken by the first query, not by begin.
    await client.query('select 1');
    return await work(client);
  } finally {
    await client.end();
  }
}
