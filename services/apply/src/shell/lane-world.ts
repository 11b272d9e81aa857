import { setTimeout as sleep } from 'node:timers/promises';
import {
  type MirrorSpec,
  type ProgressWanted,
  type TableStatus,
  progressSubject,
} from '@bunnydb/contracts';
import type { FailureReport } from '@bunnydb/failure';
import type { Messaging, SessionContext } from '@bunnydb/messaging';
import type { ConnectionSettings } from '@bunnydb/pg-client';
import { type Lsn, type QualifiedName, formatLsn, formatQualifiedName } from '@bunnydb/pg-model';
import type { MetricDoor } from '@bunnydb/service-shell';
import type { ApplyProgress } from '../core/apply-progress.js';
import type { CopyTableProgress } from '../core/copy-progress.js';
import type { WorkTally } from '../core/work-tally.js';
import type { LaneBook } from './lane-book.js';
import type { MainLane } from './main-lane.js';

export interface LaneSurroundings {
  readonly spec: MirrorSpec;
  /** With which the session has taken the mirror's position. */
  readonly epoch: string;
  readonly context: SessionContext;
  readonly source: ConnectionSettings;
  readonly destination: ConnectionSettings;
  readonly messaging: Messaging;
  readonly progress: ApplyProgress;
  readonly mainLane: MainLane;
  readonly metrics: MetricDoor | undefined;
}

/** A shadow table that is full. */
export interface FilledShadow {
  readonly shadow: QualifiedName;
  readonly copyLsn: Lsn;
}

/** What all lanes of a session share. */
export class LaneWorld {
  readonly spec: MirrorSpec;
  readonly epoch: string;
  readonly source: ConnectionSettings;
  readonly destination: ConnectionSettings;
  readonly messaging: Messaging;
  readonly mainLane: MainLane;
  readonly book: LaneBook;
  /** Full shadows by the table's source name; a session that follows does not trust them. */
  readonly shadows = new Map<string, FilledShadow>();
  readonly #context: SessionContext;
  readonly #progress: ApplyProgress;

  constructor(surroundings: LaneSurroundings, book: LaneBook) {
    this.spec = surroundings.spec;
    this.epoch = surroundings.epoch;
    this.source = surroundings.source;
    this.destination = surroundings.destination;
    this.messaging = surroundings.messaging;
    this.mainLane = surroundings.mainLane;
    this.book = book;
    this.#context = surroundings.context;
    this.#progress = surroundings.progress;
  }

  /** Waits until the main lane has everything that a copy of this LSN holds; false when it had. */
  async reach(lsn: Lsn, signal: AbortSignal): Promise<boolean> {
    let polls = 0;
    for (; !(await this.book.hasReached(lsn)); polls += 1) {
      // An idle mirror's position moves only every few seconds unless that is asked for; the question may get lost.
      if (polls % ASK_POLLS === 0) {
        const wanted: ProgressWanted = { lsn: formatLsn(lsn) };
        this.messaging.publishJson(progressSubject(this.spec.id), wanted);
      }
      await sleep(POSITION_POLL_MS, undefined, { signal });
    }
    return polls > 0;
  }

  /** A table's state is committed. */
  tellState(
    table: string,
    status: TableStatus,
    more: {
      readonly rows?: number;
      readonly failure?: FailureReport;
      readonly next_retry_at?: string | null;
      readonly is_left_behind?: true;
    } = {},
  ): void {
    this.#progress.setTableStatus(table, status);
    this.#context.emit('table_state_changed', { table, status, ...more }).catch(() => undefined);
  }

  tellCopy(progress: CopyTableProgress): void {
    this.#progress.setCopy(formatQualifiedName(progress.table), {
      partitions_done: progress.rangesDone,
      partitions_total: progress.rangesTotal,
      rows_done: progress.rowsDone,
      rows_estimated: progress.rowsEstimated,
      bytes_done: progress.bytesDone,
      bytes_estimated: progress.bytesEstimated,
    });
  }

  /** A copy under way would begin anew elsewhere: the mirror stays here until it has ended. */
  stayFor<Result>(work: Promise<Result>): Promise<Result> {
    return this.#context.stayFor(work);
  }

  /** Rows that a lane has committed; the bookkeeping has counted them. */
  tellRows(tally: WorkTally): void {
    this.#progress.addRows(tally, new Date().toISOString());
    this.#context.markHealthy();
  }
}

const POSITION_POLL_MS = 100;
const ASK_POLLS = 10;
