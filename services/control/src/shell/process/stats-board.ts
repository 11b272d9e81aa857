import type { Kysely } from 'kysely';
import { ALL_STATS, type ApplyStats, type CaptureStats } from '@bunnydb/contracts';
import type { Messaging, Stop } from '@bunnydb/messaging';
import {
  type MetricsSample,
  type MirrorStats,
  NO_RATES,
  NO_STATS,
  type Rates,
  type Totals,
  agedBy,
  ratesBetween,
  sampleOf,
  totalsOf,
  withKnownCopies,
} from '../../core/view/mirror-metrics.js';
import type { CatalogTables } from '../catalog/catalog-tables.js';

/** One hour of a sample a second. */
const SAMPLES_MAX = 3_600;
const SAMPLE_EVERY_MS = 1_000;
/** Rates are over about this span, so that they neither jump nor lag. */
const RATE_SPAN_MS = 5_000;
/** Without news for this long a rate is no longer true. */
const STALE_MS = 10_000;
const SAVE_EVERY_MS = 10_000;

interface Board {
  stats: MirrorStats;
  rates: Rates;
  heardAtMs: number;
  /** When the applier told what `stats.apply` holds. */
  applyHeardAtMs: number;
  sampledAtMs: number;
  savedAtMs: number;
  readonly totals: Totals[];
  readonly samples: MetricsSample[];
}

/** The statistics that workers tell about a second: the last of each mirror, rates, and the last hour for graphs. */
export class StatsBoard {
  readonly #boards = new Map<string, Board>();
  readonly #catalog: Kysely<CatalogTables>;
  readonly #now: () => Date;
  readonly #startedAtMs: number;

  constructor(catalog: Kysely<CatalogTables>, now: () => Date) {
    this.#catalog = catalog;
    this.#now = now;
    this.#startedAtMs = now().getTime();
  }

  /** Takes up what was saved, so that a restart does not blank a mirror that is paused. */
  async restore(): Promise<void> {
    for (const row of await this.#catalog.selectFrom('mirror_stats').selectAll().execute()) {
      const board = this.#boardOf(row.mirror_id);
      // Only this class writes the table, what `note` had accepted.
      board.stats = { ...board.stats, [row.service]: row.stats };
      if (row.service === 'apply') board.applyHeardAtMs = row.updated_at.getTime();
    }
  }

  listen(messaging: Messaging): Stop {
    return messaging.subscribeJson<CaptureStats | ApplyStats>(ALL_STATS, async (stats) => {
      this.note(stats);
      await this.#save(stats.mirror_id);
    });
  }

  note(stats: CaptureStats | ApplyStats): void {
    if (!isStats(stats)) return;
    const nowMs = this.#now().getTime();
    const board = this.#boardOf(stats.mirror_id);
    board.heardAtMs = nowMs;
    if (stats.service === 'apply') {
      const apply = withKnownCopies(board.stats.apply, stats);
      board.stats = { ...board.stats, apply };
      board.applyHeardAtMs = nowMs;
      this.#noteTotals(board, apply, nowMs);
    } else {
      board.stats = { ...board.stats, capture: stats };
    }
    if (nowMs - board.sampledAtMs < SAMPLE_EVERY_MS) return;
    board.sampledAtMs = nowMs;
    board.samples.push(sampleOf(this.statsOf(stats.mirror_id), board.rates, this.#now()));
    if (board.samples.length > SAMPLES_MAX) board.samples.shift();
  }

  /** What was told last. While the applier is silent, what the destination shows gets older. */
  statsOf(mirrorId: string): MirrorStats {
    const board = this.#boards.get(mirrorId);
    if (!board) return NO_STATS;
    const silentMs = this.#now().getTime() - board.applyHeardAtMs;
    return silentMs > STALE_MS ? agedBy(board.stats, silentMs) : board.stats;
  }

  /** When anything was heard of a mirror; when this board was made, if nothing was since. */
  heardAtMs(mirrorId: string): number {
    return this.#boards.get(mirrorId)?.heardAtMs || this.#startedAtMs;
  }

  /** What the applier told of late; null when nothing was heard of the mirror for a while. */
  freshApply(mirrorId: string): ApplyStats | null {
    const board = this.#boards.get(mirrorId);
    if (!board || this.#now().getTime() - board.heardAtMs > STALE_MS) return null;
    return board.stats.apply;
  }

  ratesOf(mirrorId: string): Rates {
    const board = this.#boards.get(mirrorId);
    if (!board || this.#now().getTime() - board.heardAtMs > STALE_MS) return NO_RATES;
    return board.rates;
  }

  /** The samples of the last `spanMs`. */
  seriesOf(mirrorId: string, spanMs: number): readonly MetricsSample[] {
    const oldest = new Date(this.#now().getTime() - spanMs).toISOString();
    return (this.#boards.get(mirrorId)?.samples ?? []).filter(({ at }) => at >= oldest);
  }

  /** Lets go of mirrors that are no more. */
  keepOnly(mirrorIds: ReadonlySet<string>): void {
    for (const mirrorId of this.#boards.keys()) {
      if (!mirrorIds.has(mirrorId)) this.#boards.delete(mirrorId);
    }
  }

  #noteTotals(board: Board, stats: ApplyStats, nowMs: number): void {
    const latest = totalsOf(stats, nowMs);
    while ((board.totals[1]?.atMs ?? nowMs) < nowMs - RATE_SPAN_MS) board.totals.shift();
    const earliest = board.totals[0];
    board.rates = earliest ? ratesBetween(earliest, latest) : NO_RATES;
    // After a counter went back, rates are made from there.
    const last = board.totals.at(-1);
    if (last && latest.changes < last.changes) board.totals.length = 0;
    board.totals.push(latest);
  }

  async #save(mirrorId: string): Promise<void> {
    const board = this.#boards.get(mirrorId);
    const nowMs = this.#now().getTime();
    if (!board || nowMs - board.savedAtMs < SAVE_EVERY_MS) return;
    board.savedAtMs = nowMs;
    for (const stats of [board.stats.capture, board.stats.apply]) {
      if (stats === null) continue;
      const values = { stats: JSON.stringify(stats), updated_at: this.#now() };
      await this.#catalog
        .insertInto('mirror_stats')
        .values({ mirror_id: mirrorId, service: stats.service, ...values })
        .onConflict((conflict) => conflict.columns(['mirror_id', 'service']).doUpdateSet(values))
        .execute();
    }
  }

  #boardOf(mirrorId: string): Board {
    const known = this.#boards.get(mirrorId);
    if (known) return known;
    const board: Board = {
      stats: NO_STATS,
      rates: NO_RATES,
      heardAtMs: 0,
      applyHeardAtMs: 0,
      sampledAtMs: 0,
      savedAtMs: 0,
      totals: [],
      samples: [],
    };
    this.#boards.set(mirrorId, board);
    return board;
  }
}

/** Statistics are shown, never acted on; what does not look like them is left out. */
function isStats(stats: CaptureStats | ApplyStats): boolean {
  if (typeof stats.mirror_id !== 'string') return false;
  if (stats.service === 'capture') return typeof stats.source_lsn === 'string';
  return stats.service === 'apply' && Array.isArray(stats.tables);
}
