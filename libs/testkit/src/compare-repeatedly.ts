import { type ComparedTable, readBothContents } from './both-contents.js';
import { inSnapshot, withSession } from './compare-session.js';
import {
  type TableComparison,
  comparisonOf,
  describeRows,
  shapeComparison,
} from './compare-tables.js';
import { type DifferingRow, findDifferingRows } from './differing-rows.js';
import { RowHistories } from './row-history.js';
import { type RowReader, type RowReading, WHOLE_TABLE, rowReader } from './row-readings.js';

export interface FollowedComparison extends TableComparison {
  /** How many rows were being written, and were seen equal when they were looked at again. */
  readonly rowsSettled: number;
  /** How many rows changed in every reading on both sides, so that nothing can be said of them. */
  readonly rowsInMotion: number;
  /** More rows were being written than can be followed: those that were not are unknown. */
  readonly tooMany: boolean;
}

export interface RepeatedComparison {
  /** `undecided`: no difference was found, but there are rows that were not seen equal. */
  readonly verdict: 'equal' | 'undecided' | 'different';
  readonly tables: readonly FollowedComparison[];
  readonly rows: number;
  readonly rowsSettled: number;
  readonly rowsInMotion: number;
}

export interface RepeatOptions {
  /** Waits until the destination has what is committed at the source now. */
  readonly catchUp: () => Promise<void>;
  /** How often a row is looked at again until it is judged. */
  readonly rounds?: number;
  /** How long both sides are read, again and again, in each round but the first. */
  readonly roundMs?: number;
}

const ROUNDS = 20;
const ROUND_MS = 250;
/** Above this, a table has more rows under writes than are followed. */
const FOLLOWED_ROWS_MAX = 200_000;
const FOLLOWED_TOGETHER_MAX = 2_000;

/**
 * Compares two databases while others write to the source.
 *
 * The destination knows its position, since that is written with the rows; but a source cannot be read as it was at a given position, nor can its
 * writers be held, so the two snapshots are never taken at one position. (Decoding what changed in between would close the gap, at
 * the price of a slot on the user's server and of all its WAL being decoded once more.) Instead it is used that rows stand still most of the time, and that
 * a difference which matters does not go away:
 *
 * 1. Each table is read once in full on both sides. Rows that are equal are proven. The others are _followed_.
 * 2. In each round the source's version of the followed rows is read, the destination catches up with that (unless it has, since none of them has
 *    changed), then both sides are read again and again for a moment. A row is proven as soon as one version was seen on both sides in one round.
 * 3. After the last round, a row that stood still on one side, as a whole or in one column, at something that the other side never showed is a
 *    real difference (`RowHistories` says why). A row that moved on both sides all the time is counted as in motion: it is no alarm, but no
 *    proof either.
 *
 * A worked run: row 7 of a counter is at 100 in the source's snapshot and at 103 in the destination's. Round 1: source 120, destination 121,
 * 124; source 121, 126: 121 was seen on both sides, the row is proven. Were the destination stuck at 103, twenty rounds would show 103 there
 * and never at the source: different. Rows of a table without a key are told apart by their content, and counted; and the table as a whole is followed
 * like one row (`WHOLE_TABLE` says what that finds).
 *
 * What this shows: of every row, source and destination had the same version during the comparison. What it cannot see: a column that is wrong only while it changes faster than both sides can be read; such rows are the ones in motion.
 */
export async function compareRepeatedly(
  sourceUrl: string,
  destinationUrl: string,
  tables: readonly ComparedTable[],
  options: RepeatOptions,
): Promise<RepeatedComparison> {
  const compared: FollowedComparison[] = [];
  for (const pair of tables) {
    compared.push(await compareAndFollow(sourceUrl, destinationUrl, pair, options));
  }
  const sum = (of: (table: FollowedComparison) => number) =>
    compared.reduce((total, table) => total + of(table), 0);
  const rowsInMotion = sum((table) => table.rowsInMotion);
  const isDecided = rowsInMotion === 0 && !compared.some(({ tooMany }) => tooMany);
  const verdict = isDecided ? 'equal' : 'undecided';
  return {
    verdict: compared.every(({ equal }) => equal) ? verdict : 'different',
    tables: compared,
    rows: sum((table) => table.sourceRows),
    rowsSettled: sum((table) => table.rowsSettled),
    rowsInMotion,
  };
}

async function compareAndFollow(
  sourceUrl: string,
  destinationUrl: string,
  pair: ComparedTable,
  options: RepeatOptions,
): Promise<FollowedComparison> {
  let first = await firstLook(sourceUrl, destinationUrl, pair);
  if (first.kind === 'same_shape' && !first.found.complete) {
    // So many differ when the destination is far behind; with more than that, there are too many writers.
    await options.catchUp();
    first = await firstLook(sourceUrl, destinationUrl, pair);
  }
  if (first.kind === 'other_shape') {
    return { ...shapeComparison(first), rowsSettled: 0, rowsInMotion: 0, tooMany: false };
  }
  const { content, found } = first;
  const followed = await withSession(sourceUrl, (source) =>
    withSession(destinationUrl, async (destination) => {
      const read = {
        source: await rowReader(source, content.source),
        destination: await rowReader(destination, content.destination),
      };
      const wanted = found.rows.map(({ id }) => id);
      const ids =
        content.source.key.length > 0 || wanted.length === 0 ? wanted : [WHOLE_TABLE, ...wanted];
      return followRows(ids, read, options);
    }),
  );
  return {
    ...comparisonOf(content, describeRows(content.source.key, followed.different)),
    rowsSettled: followed.settled,
    rowsInMotion: followed.inMotion,
    tooMany: !found.complete,
  };
}

async function firstLook(sourceUrl: string, destinationUrl: string, pair: ComparedTable) {
  return inSnapshot(sourceUrl, (source) =>
    inSnapshot(destinationUrl, async (destination) => {
      const content = await readBothContents(source, destination, pair);
      if (content.kind === 'other_shape') return content;
      const found = await findDifferingRows(source, destination, content, FOLLOWED_ROWS_MAX);
      return { kind: content.kind, content, found };
    }),
  );
}

interface FollowedRows {
  readonly settled: number;
  readonly inMotion: number;
  readonly different: readonly DifferingRow[];
}

interface BothReaders {
  readonly source: RowReader;
  readonly destination: RowReader;
}

/** Follows the rows, some at a time; stops at the first of these groups that has real differences. */
async function followRows(
  rows: readonly string[],
  read: BothReaders,
  options: RepeatOptions,
): Promise<FollowedRows> {
  let settled = 0;
  let inMotion = 0;
  const different: DifferingRow[] = [];
  for (let start = 0; start < rows.length && different.length === 0;) {
    const ids = rows.slice(start, start + FOLLOWED_TOGETHER_MAX);
    start += ids.length;
    const histories = await followTogether(ids, read, options);
    const left = new Set(histories.left);
    settled += ids.filter((id) => id !== WHOLE_TABLE && !left.has(id)).length;
    for (const id of left) {
      const judgement = histories.judge(id);
      if (judgement.kind === 'different') different.push({ id, how: judgement.how });
      // A table that grows all the time is never seen equal as a whole; its rows are.
      else if (id !== WHOLE_TABLE) inMotion += 1;
    }
  }
  return { settled, inMotion, different };
}

async function followTogether(
  ids: readonly string[],
  read: BothReaders,
  options: RepeatOptions,
): Promise<RowHistories> {
  const { rounds = ROUNDS, roundMs = ROUND_MS } = options;
  const histories = new RowHistories(ids);
  let caughtUpWith: RowReading | undefined;
  for (let round = 0; round < rounds && histories.left.length > 0; round += 1) {
    const here = await read.source(histories.left);
    histories.note('source', here);
    // At a source that rests, a position may take seconds to pass.
    if (caughtUpWith === undefined || !isSameReading(caughtUpWith, here, histories.left)) {
      await options.catchUp();
      caughtUpWith = here;
    }
    // Most rows stand still after the first look, so that a single reading settles them.
    const untilMs = performance.now() + (round === 0 ? 0 : roundMs);
    await Promise.all([
      readWhile(histories, 'source', read.source, untilMs),
      readWhile(histories, 'destination', read.destination, untilMs),
    ]);
    histories.endRound();
    // A row that moves may still be seen equal; a whole table that does has nothing more to tell, and would be read in full each time.
    histories.letGoWhenInMotion(WHOLE_TABLE);
  }
  return histories;
}

function isSameReading(one: RowReading, other: RowReading, ids: readonly string[]): boolean {
  return ids.every((id) => one.get(id)?.join() === other.get(id)?.join());
}

/** Reads at least once. */
async function readWhile(
  histories: RowHistories,
  side: 'source' | 'destination',
  read: RowReader,
  untilMs: number,
): Promise<void> {
  do {
    histories.note(side, await read(histories.left));
  } while (performance.now() < untilMs);
}
