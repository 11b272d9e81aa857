import pg from 'pg';
import { parseQualifiedName } from '@bunnydb/pg-model';
import {
  type ComparedTable,
  type DatabaseComparison,
  type FollowedComparison,
  type TableComparison,
  compareRepeatedly,
  equalDatabases,
  until,
} from '@bunnydb/testkit';
import { countWords, durationWords, pluralWords } from './number-words.js';
import type { TableView } from './mirror-view.js';

const CATCH_UP_TIMEOUT_MS = 60_000;
const NAMED_TABLES_MAX = 5;

export interface ComparedMirror {
  readonly name: string;
  readonly sourceUrl: string;
  readonly destinationUrl: string;
  readonly tables: readonly TableView[];
}

export interface Proof {
  /** `undecided`: no difference was found, but not every row could be compared. */
  readonly verdict: 'equal' | 'undecided' | 'different';
  /** For a person: what was compared, how, and with what result. */
  readonly words: string;
}

/** Writers that can be held for the moment of the comparison. */
export interface PausableWriters {
  pause(): Promise<void>;
  resume(): void;
}

/**
 * Compares both sides of the demo, whose writers are ours.
 *
 * Why it is a proof: once `pause` has returned, every transaction of the writers has ended and no other begins. The LSN that is read then lies
 * after all of their commits. When the destination's position, which is written in the transaction that writes the rows, has passed that
 * LSN, all of these transactions are applied there. Nothing moves on either side until `resume`, so both snapshots stand at the same
 * position of the source's history, and every row of every table is compared.
 */
export async function proveEquality(
  mirror: ComparedMirror,
  writers: PausableWriters,
): Promise<Proof> {
  const pausedAt = performance.now();
  await writers.pause();
  try {
    const lsn = await positionAtRest(mirror.sourceUrl);
    await waitForPosition(mirror, lsn);
    const comparison = await equalDatabases(
      mirror.sourceUrl,
      mirror.destinationUrl,
      pairsOf(mirror.tables),
    );
    const paused = durationWords((performance.now() - pausedAt) / 1000);
    return {
      verdict: comparison.equal ? 'equal' : 'different',
      words: comparison.equal
        ? `${equalWords(comparison)} (every row compared at position ${lsn}, writers held for ${paused})`
        : differenceWords(comparison.tables),
    };
  } finally {
    writers.resume();
  }
}

/**
 * Compares two databases whose writers are not ours, and so cannot be held: rows that are being written are followed until they were seen
 * equal or stay different (`compareRepeatedly` says what that shows). A table that is not in the mirror's stream now is left out and named.
 */
export async function compareWhileWritten(mirror: ComparedMirror): Promise<Proof> {
  const followed = mirror.tables.filter(({ status }) => status === 'running');
  const others = mirror.tables.filter(({ status }) => status !== 'running');
  const catchUp = async () => waitForPosition(mirror, await positionAtRest(mirror.sourceUrl));
  const comparison = await compareRepeatedly(
    mirror.sourceUrl,
    mirror.destinationUrl,
    pairsOf(followed),
    { catchUp },
  );
  const notes = [
    ...(others.length === 0
      ? []
      : [
          `not compared: ${namedWords(others.map(({ source, status }) => `${source} (${status})`))}`,
        ]),
    ...motionWords(comparison.tables),
  ];
  if (comparison.verdict === 'different') {
    return {
      verdict: 'different',
      words: [differenceWords(comparison.tables), ...notes].join('; '),
    };
  }
  const settled =
    comparison.rowsSettled === 0
      ? ''
      : `, ${countWords(comparison.rowsSettled)} under writes one by one`;
  const compared = `${equalWords(comparison)} (every row compared${settled})`;
  return notes.length === 0
    ? { verdict: 'equal', words: compared }
    : { verdict: 'undecided', words: `no difference found, ${[compared, ...notes].join('; ')}` };
}

/** What could not be compared, and why. */
function motionWords(tables: readonly FollowedComparison[]): string[] {
  const moving = tables.filter(({ rowsInMotion }) => rowsInMotion > 0);
  const crowded = tables.filter(({ tooMany }) => tooMany);
  return [
    ...(moving.length === 0
      ? []
      : [
          `changing faster than both sides can be read: ${namedWords(
            moving.map(
              ({ table, rowsInMotion }) => `${pluralWords(rowsInMotion, 'row')} of ${table}`,
            ),
          )}`,
        ]),
    ...(crowded.length === 0
      ? []
      : [
          `too many rows under writes to follow all of them in ${namedWords(crowded.map(({ table }) => table))}`,
        ]),
  ];
}

/**
 * The source's end of WAL, followed by one transaction that writes only a logical message: its commit lies after that position, so the
 * mirror reports that it has passed it even when no row changes any more.
 */
async function positionAtRest(url: string): Promise<string> {
  const lsn = await readText(url, 'select pg_current_wal_insert_lsn()::text as text');
  await readText(
    url,
    `select pg_logical_emit_message(true, 'bunny.compare', 'at rest')::text as text`,
  );
  return lsn;
}

async function waitForPosition(mirror: ComparedMirror, lsn: string): Promise<void> {
  let reached = 'no position';
  await withClient(mirror.destinationUrl, (client) =>
    until(
      async () => {
        const { rows } = await client.query<{ lsn: string; passed: boolean }>(
          // `>=`: every transaction that ends at or before the position is applied.
          'select lsn::text, lsn >= $2::pg_lsn as passed from _bunny.position where mirror_name = $1',
          [mirror.name, lsn],
        );
        reached = rows[0]?.lsn ?? reached;
        return rows[0]?.passed === true;
      },
      {
        timeoutMs: CATCH_UP_TIMEOUT_MS,
        what: () => `the destination to pass ${lsn}; it is at ${reached}`,
      },
    ),
  );
}

function pairsOf(tables: readonly TableView[]): ComparedTable[] {
  return tables.map(({ source, destination }) => ({
    source: parseQualifiedName(source),
    destination: parseQualifiedName(destination),
  }));
}

function equalWords({ tables, rows }: Pick<DatabaseComparison, 'rows' | 'tables'>): string {
  return `both sides equal: ${pluralWords(tables.length, 'table')}, ${pluralWords(rows, 'row')}`;
}

function differenceWords(tables: readonly TableComparison[]): string {
  const differences = tables.filter((table) => !table.equal).map((table) => table.difference);
  return `BOTH SIDES DIFFER: ${differences.join('; ')}`;
}

function namedWords(names: readonly string[]): string {
  const more = names.length - NAMED_TABLES_MAX;
  return `${names.slice(0, NAMED_TABLES_MAX).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

async function readText(url: string, sql: string): Promise<string> {
  return withClient(url, async (client) => {
    const { rows } = await client.query<{ text: string }>(sql);
    return rows[0]?.text ?? '';
  });
}

async function withClient<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url, application_name: 'bunnydb launcher' });
  client.on('error', () => undefined);
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}
