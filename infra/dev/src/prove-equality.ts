import pg from 'pg';
import { parseQualifiedName } from '@bunnydb/pg-model';
import {
  type ComparedTable,
  type DatabaseComparison,
  compareRepeatedly,
  equalDatabases,
  until,
} from '@bunnydb/testkit';
import { durationWords, pluralWords } from './number-words.js';
import type { TableView } from './mirror-view.js';

const CATCH_UP_TIMEOUT_MS = 60_000;
/** How often rows under writes are read again. */
const SETTLE_TRIES = 20;

export interface ComparedMirror {
  readonly name: string;
  readonly sourceUrl: string;
  readonly destinationUrl: string;
  readonly tables: readonly TableView[];
}

export interface Proof {
  readonly equal: boolean;
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
      equal: comparison.equal,
      words: `${resultWords(comparison)} (every row compared at position ${lsn}, writers held for ${paused})`,
    };
  } finally {
    writers.resume();
  }
}

/**
 * Compares two databases whose writers are not ours, and so cannot be held: rows that are being written are read again until both sides were
 * seen equal (`compareRepeatedly` says what that shows).
 */
export async function compareWhileWritten(mirror: ComparedMirror): Promise<Proof> {
  const comparison = await compareRepeatedly(
    mirror.sourceUrl,
    mirror.destinationUrl,
    pairsOf(mirror.tables),
    {
      tries: SETTLE_TRIES,
      catchUp: async () =>
        waitForPosition(
          mirror,
          await readText(mirror.sourceUrl, 'select pg_current_wal_flush_lsn()::text as text'),
        ),
    },
  );
  const settled =
    comparison.rowsSettled === 0
      ? ''
      : `, ${pluralWords(comparison.rowsSettled, 'row')} under writes again until equal`;
  return {
    equal: comparison.equal,
    words: `${resultWords(comparison)} (every row compared${settled})`,
  };
}

/**
 * The source's end of WAL, followed by one transaction that writes only a logical message: its commit lies after that position, so the
 * mirror reports that it has passed it even when no row changes any more.
 */
async function positionAtRest(url: string): Promise<string> {
  const lsn = await readText(url, 'select pg_current_wal_insert_lsn()::text as text');
  await readText(
    url,
    `select pg_logical_emit_message(true, 'bunny.demo', 'at rest')::text as text`,
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

function resultWords({ equal, tables, rows }: DatabaseComparison): string {
  if (equal)
    return `both sides equal: ${pluralWords(tables.length, 'table')}, ${pluralWords(rows, 'row')}`;
  const differences = tables.filter((table) => !table.equal).map((table) => table.difference);
  return `BOTH SIDES DIFFER: ${differences.join('; ')}`;
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
