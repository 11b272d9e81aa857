import { setTimeout as delay } from 'node:timers/promises';
import { type ApiClient, isRecord } from './api-client.js';
import { type MirrorView, type TableView, parseMirror } from './mirror-view.js';
import { barWords, countWords, durationWords } from './number-words.js';
import type { Screen } from './screen.js';

const INTERVAL_MS = 300;
const TABLE_LINES_MAX = 12;
const NAME_WIDTH_MAX = 32;
/** Newest first, so the end of the copy is among the first. */
const HISTORY_LIMIT = 100;
const RATE_WINDOW_MS = 5_000;

export interface CopyReport {
  readonly rows: number;
  readonly tables: number;
  readonly seconds: number;
}

/**
 * Shows the way of a mirror from its creation until it runs: what it is doing, then a bar for each table with rows, rate and the time that is left.
 *
 * @returns what was copied while it watched; `undefined` when nothing had to be copied.
 */
export async function watchUntilRunning(
  api: ApiClient,
  name: string,
  screen: Screen,
  signal: AbortSignal,
): Promise<CopyReport | undefined> {
  const rate = new RateMeter();
  let copying = false;
  let shownError: string | null = null;
  while (!signal.aborted) {
    const mirror = parseMirror(await api.get(`/v1/mirrors/${name}`));
    if (
      mirror.errorMessage !== null &&
      mirror.status === 'error' &&
      mirror.errorMessage !== shownError
    ) {
      shownError = mirror.errorMessage;
      screen.say(`! ${name}: ${shownError}`);
    }
    if (mirror.status === 'running') {
      screen.clear();
      return copying ? readCopyReport(api, name) : undefined;
    }
    if (mirror.status === 'snapshotting') {
      copying = true;
      rate.add(mirror.snapshot.rowsDone, performance.now());
    }
    const lines = copyLines(name, mirror, rate.perSecond, screen.width);
    screen.show(lines, lines.at(-1) ?? '');
    await delay(INTERVAL_MS, undefined, { signal }).catch(() => undefined);
  }
  return undefined;
}

/** What the copy was in the end, from the mirror's history; the counters of progress may be a second behind. */
async function readCopyReport(api: ApiClient, name: string): Promise<CopyReport | undefined> {
  const answer = await api.get(`/v1/mirrors/${name}/events?limit=${HISTORY_LIMIT}`);
  const events = isRecord(answer) && Array.isArray(answer['events']) ? answer['events'] : [];
  const finished = events.filter(isRecord).find((event) => event['type'] === 'copy_finished');
  const body = isRecord(finished?.['body']) ? finished['body'] : {};
  const { rows, tables, seconds } = body;
  const known =
    typeof rows === 'number' && typeof tables === 'number' && typeof seconds === 'number';
  return known ? { rows, tables, seconds } : undefined;
}

/** The block of the copy; its last line is the one for a plain output. */
export function copyLines(
  name: string,
  mirror: MirrorView,
  rowsPerSecond: number,
  width: number,
): string[] {
  if (mirror.status !== 'snapshotting') {
    const phase = mirror.phase === '' ? mirror.status : mirror.phase;
    const retry = mirror.nextRetryAt === null ? '' : `, next try at ${mirror.nextRetryAt}`;
    return [`${name}: ${phase}${retry} …`];
  }
  const shown = mirror.tables.slice(0, TABLE_LINES_MAX);
  const nameWidth = Math.min(
    NAME_WIDTH_MAX,
    Math.max(5, ...shown.map((table) => table.source.length)),
  );
  const barWidth = Math.max(10, Math.min(30, width - nameWidth - 34));
  const more = mirror.tables.length - shown.length;
  const { rowsDone, rowsTotal, etaSeconds } = mirror.snapshot;
  const left =
    etaSeconds ?? (rowsPerSecond > 0 ? Math.max(0, rowsTotal - rowsDone) / rowsPerSecond : null);
  return [
    ...shown.map((table) => tableLine(table, nameWidth, barWidth)),
    ...(more > 0 ? [`… and ${more} more tables`] : []),
    `copying ${barWords(share(rowsDone, rowsTotal), barWidth)} ${countWords(rowsDone)}/${countWords(rowsTotal)} rows` +
      `  ${countWords(rowsPerSecond)} rows/s${left === null ? '' : `  ${durationWords(left)} left`}`,
  ];
}

function tableLine(table: TableView, nameWidth: number, barWidth: number): string {
  const done = table.status === 'running' || table.status === 'catching_up';
  const name = table.source.slice(0, nameWidth).padEnd(nameWidth);
  // What is done is full, though the estimate of its rows was wrong.
  const bar = barWords(done ? 1 : share(table.rowsDone, table.rowsEstimated), barWidth);
  return `${name} ${bar} ${countWords(table.rowsDone)}${done ? ' rows, done' : `/${countWords(table.rowsEstimated)} rows`}`;
}

function share(done: number, total: number): number {
  return total > 0 ? done / total : 0;
}

/** The rate over the last seconds of a number that grows. */
export class RateMeter {
  #samples: { readonly value: number; readonly atMs: number }[] = [];

  add(value: number, atMs: number): void {
    this.#samples.push({ value, atMs });
    this.#samples = this.#samples.filter((sample) => atMs - sample.atMs <= RATE_WINDOW_MS);
  }

  get perSecond(): number {
    const [first] = this.#samples;
    const last = this.#samples.at(-1);
    if (first === undefined || last === undefined || last.atMs <= first.atMs) return 0;
    return Math.max(0, ((last.value - first.value) * 1000) / (last.atMs - first.atMs));
  }
}
