import type { QualifiedName } from '@bunnydb/pg-model';
import {
  type BothContents,
  type ComparedTable,
  type OtherShape,
  readBothContents,
} from './both-contents.js';
import { inSnapshot } from './compare-session.js';
import { type DifferingRow, findDifferingRows } from './differing-rows.js';
import type { Difference } from './row-history.js';
import { WHOLE_TABLE, describeId } from './row-readings.js';
import { type ContentPart, type QuerySession, readTableNames } from './table-content.js';

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

const SHOWN_ROWS_MAX = 5;

/**
 * Compares the content of two databases, table by table and row by row (by digests of every row), each side in one snapshot.
 *
 * This proves that the sides are equal only if the caller has made sure that both snapshots stand at the same position: with writers at rest,
 * by waiting until the destination's position has passed the source's last commit. While writes go on, a difference proves nothing,
 * since the destination's snapshot is a moment younger or older (`compareRepeatedly` is for that); equality still means that the content was the same.
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
      const pairs = tables ?? (await readTableNames(source)).map(sameName);
      const compared: TableComparison[] = [];
      for (const pair of pairs) {
        compared.push(
          await releasingLocks(source, () =>
            releasingLocks(destination, () => compareTable(source, destination, pair)),
          ),
        );
      }
      return {
        equal: compared.every(({ equal }) => equal),
        tables: compared,
        rows: compared.reduce((sum, { sourceRows }) => sum + sourceRows, 0),
      };
    }),
  );
}

/** Gives back the locks of what was read, under the same snapshot: those of thousands of tables do not fit into the server's lock table. */
async function releasingLocks<T>(session: QuerySession, read: () => Promise<T>): Promise<T> {
  await session.query('savepoint one_table');
  const result = await read();
  await session.query('rollback to savepoint one_table');
  return result;
}

const sameName = (name: QualifiedName): ComparedTable => ({ source: name, destination: name });

/** Compares one table under whatever snapshots the sessions hold; they must have run `COMPARABLE_SESSION_SQL`. */
export async function compareTable(
  source: QuerySession,
  destination: QuerySession,
  pair: ComparedTable,
): Promise<TableComparison> {
  const content = await readBothContents(source, destination, pair);
  if (content.kind === 'other_shape') return shapeComparison(content);
  const { rows } = await findDifferingRows(source, destination, content, SHOWN_ROWS_MAX);
  return comparisonOf(content, describeRows(content.source.key, rows));
}

/** Nothing can be compared. */
export function shapeComparison({ table, difference }: OtherShape): TableComparison {
  return { table, equal: false, sourceRows: 0, destinationRows: 0, difference };
}

/** @param rowWords what differs in words; empty when nothing does. */
export function comparisonOf(content: BothContents, rowWords: string): TableComparison {
  const { table } = content;
  const sourceRows = rowCount(content.sourceParts);
  const destinationRows = rowCount(content.destinationParts);
  const difference =
    rowWords === ''
      ? ''
      : `${table}: ${sourceRows} rows at the source, ${destinationRows} at the destination; at the destination, ${rowWords}`;
  return { table, equal: rowWords === '', sourceRows, destinationRows, difference };
}

function rowCount(parts: ReadonlyMap<string, ContentPart>): number {
  return [...parts.values()].reduce((sum, { rows }) => sum + rows, 0);
}

/** Names the first keys that differ; values of other columns are never shown. */
export function describeRows(key: readonly string[], rows: readonly DifferingRow[]): string {
  if (rows.length === 0) return '';
  if (key.length > 0) {
    const words = rows.slice(0, SHOWN_ROWS_MAX).map(({ id, how }) => `${describeId(id)} ${how}`);
    return `key (${key.join(', ')}): ${words.join(', ')}`;
  }
  const single = rows.filter(({ id }) => id !== WHOLE_TABLE);
  if (single.length === 0) return 'rows that change all the time are lost, too many or different';
  const count = (wanted: Difference) => single.filter(({ how }) => how === wanted).length;
  const words = [
    ...(count('is missing') > 0 ? [`${count('is missing')} missing`] : []),
    ...(count('is too many') > 0 ? [`${count('is too many')} too many`] : []),
    ...(count('differs') > 0 ? [`${count('differs')} there another number of times`] : []),
  ];
  return `of rows that no key tells apart: ${words.join(', ')}`;
}
