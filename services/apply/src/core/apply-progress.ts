import type { ApplyStats, TableStats, TableStatus } from '@bunnydb/contracts';
import { type Lsn, formatLsn, formatQualifiedName } from '@bunnydb/pg-model';
import type { TableMapping } from '@bunnydb/contracts';
import type { WorkTally } from './work-tally.js';

interface TableProgress {
  readonly mapping: TableMapping;
  status: TableStatus;
  inserted: number;
  updated: number;
  deleted: number;
  lastSyncedAt: string | null;
  copy: TableStats['copy'];
}

/** What a committed destination transaction held. */
export interface AppliedWork {
  readonly transactions: number;
  readonly batchId: string;
  readonly batches: number;
  readonly commitTime: string | null;
  readonly wasExact: boolean;
  readonly tally: WorkTally;
}

/** Counts for `bunny.stats.<mirror id>.apply`, since the session began. */
export class ApplyProgress {
  readonly #mirrorId: string;
  readonly #tables: ReadonlyMap<string, TableProgress>;
  #phase: ApplyStats['phase'] = 'copying';
  #transactions = 0;
  #changes = 0;
  #batches = 0;
  #exactBatches = 0;
  #missingRows = 0;
  #lastBatchId: string | null = null;
  #commitTime: string | null;

  constructor(mirrorId: string, tables: readonly TableMapping[], commitTime: string | null) {
    this.#mirrorId = mirrorId;
    this.#commitTime = commitTime;
    this.#tables = new Map(
      tables.map((mapping) => [
        formatQualifiedName(mapping.source),
        {
          mapping,
          status: 'pending',
          inserted: 0,
          updated: 0,
          deleted: 0,
          lastSyncedAt: null,
          copy: undefined,
        },
      ]),
    );
  }

  setPhase(phase: ApplyStats['phase']): void {
    this.#phase = phase;
  }

  setTableStatus(table: string, status: TableStatus): void {
    const progress = this.#tables.get(table);
    if (progress) progress.status = status;
  }

  setCopy(table: string, copy: TableStats['copy']): void {
    const progress = this.#tables.get(table);
    if (progress) progress.copy = copy;
  }

  /** Takes what the bookkeeping counted before this session. */
  setCounts(
    table: string,
    counts: { readonly inserted: number; readonly updated: number; readonly deleted: number },
  ): void {
    const progress = this.#tables.get(table);
    if (progress) Object.assign(progress, counts);
  }

  addWork(work: AppliedWork, nowIso: string): void {
    this.#transactions += work.transactions;
    this.#batches += work.batches;
    this.#lastBatchId = work.batchId;
    this.#commitTime = work.commitTime ?? this.#commitTime;
    if (work.wasExact) this.#exactBatches += work.batches;
    this.addRows(work.tally, nowIso);
  }

  /** Counts rows that were committed, by the main lane or a lane. */
  addRows(tally: WorkTally, nowIso: string): void {
    this.#missingRows += tally.missingRows;
    for (const { table, inserted, updated, deleted } of tally.tables) {
      this.#changes += inserted + updated + deleted;
      const progress = this.#tables.get(formatQualifiedName(table));
      if (!progress) continue;
      progress.inserted += inserted;
      progress.updated += updated;
      progress.deleted += deleted;
      progress.lastSyncedAt = nowIso;
    }
  }

  stats(
    position: { readonly applied: Lsn; readonly flushed: Lsn; readonly isDrained: boolean },
    now: Date,
  ): ApplyStats {
    const lagMs = this.#commitTime === null ? 0 : now.getTime() - Date.parse(this.#commitTime);
    return {
      v: 1,
      mirror_id: this.#mirrorId,
      service: 'apply',
      at: now.toISOString(),
      phase: this.#phase,
      applied_lsn: formatLsn(position.applied),
      flushed_lsn: formatLsn(position.flushed),
      applied_commit_time: this.#commitTime,
      lag_seconds: position.isDrained ? 0 : Math.max(0, lagMs / 1000),
      last_batch_id: this.#lastBatchId,
      transactions: this.#transactions,
      changes: this.#changes,
      batches: this.#batches,
      exact_path_batches: this.#exactBatches,
      missing_rows: this.#missingRows,
      tables: [...this.#tables].map(([table, progress]) => ({
        table,
        destination_table: formatQualifiedName(progress.mapping.destination),
        status: progress.status,
        rows_inserted: progress.inserted,
        rows_updated: progress.updated,
        rows_deleted: progress.deleted,
        last_synced_at: progress.lastSyncedAt,
        ...(progress.copy ? { copy: progress.copy } : {}),
      })),
    };
  }
}
