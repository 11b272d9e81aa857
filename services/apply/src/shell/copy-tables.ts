/**
 * The copy of tables under one snapshot of the source, whose LSN tells the stream where to go on: of all that a mirror has not copied yet, before
 * it streams (`copyPendingTables`), or of those that a lane is to fill while the others go on (`copyTables`).
 *
 * 1. The mirror's first copy asks `_bunny.table_state` which tables are still to be copied. Those that are done stay as they are.
 * 2. Take a snapshot with its exact LSN, say 0/5000 (`copy-snapshot.ts`).
 * 3. Under the snapshot, cut the tables into block ranges (`core/copy-range.ts`) and queue them, largest first (`core/copy-queue.ts`).
 * 4. Workers, each with a pair of sessions, take ranges (`copy-worker.ts`). The first to come to a table empties it and commits state
 *    `copying`. A range and its row in `_bunny.copy_range` commit together.
 * 5. Whoever finishes a table's last range analyzes it and commits state `running` with copy_lsn 0/5000, or, for a lane, the state that
 *    `CopyPurpose` leads to. The applier then skips, for this table, transactions that committed before 0/5000.
 *
 * Durable are the states and the ledger. A crash at any point loses only tables that are not `running`: the next attempt empties them and
 * copies them under a new snapshot, say 0/6000; the tables done before keep 0/5000. Ranges of an unfinished table are not kept, since
 * their snapshot is gone with the session that held it. A table still `pending` that has rows is refused: they are not ours.
 *
 * The first failure ends all workers, and is thrown; what to do about it is the supervisor's to decide. A failure may be taken as one
 * table's own (`onTableFailure`): then only that table is dropped.
 */
import { setMaxListeners } from 'node:events';
import type { MirrorSpec, TableStatus } from '@bunnydb/contracts';
import { type ConnectionSettings, closeSession } from '@bunnydb/pg-client';
import type { QualifiedName } from '@bunnydb/pg-model';
import type { CopyTableProgress } from '../core/copy-progress.js';
import { CopyQueue } from '../core/copy-queue.js';
import type { CopyRange } from '../core/copy-range.js';
import { onSide } from './copy-failure.js';
import { type CopyTarget, selectTablesToCopy, stateAfter, stateDuring } from './copy-ledger.js';
import { type TableCopy, planCopy } from './copy-plan.js';
import { type CopySnapshot, openCopySnapshot } from './copy-snapshot.js';
import { CopyWorker } from './copy-worker.js';
import { type CopyWriter, openCopyWriter } from './copy-writer.js';
import { endSessionsNamed } from './position-row.js';

export interface CopyTablesOptions {
  readonly spec: MirrorSpec;
  /** With which the session has taken the mirror's position: nothing is committed once another has a higher one. */
  readonly epoch: string;
  readonly source: ConnectionSettings;
  /** Its application name is the mirror's own: sessions of that name which an older copy has left are ended. */
  readonly destination: ConnectionSettings;
  readonly signal: AbortSignal;
  /** At most a few times a second per table, and at the end of each range. */
  readonly onProgress: (progress: CopyTableProgress) => void;
  /** A table's state has been committed; `table` is its source name. */
  readonly onTableState: (table: QualifiedName, status: TableStatus, rows: number) => void;
  /** The snapshot is taken. */
  readonly onSnapshot?: () => void;
  /** A table is full, as of the snapshot's LSN. */
  readonly onCopied?: (table: QualifiedName, lsn: string) => void;
  /** True when the failure is the table's own: the others go on. */
  readonly onTableFailure?: (table: QualifiedName, error: unknown) => boolean;
  /** Milliseconds of a clock that does not go back; `performance.now` unless given. */
  readonly nowMs?: () => number;
}

export interface CopySummary {
  /** How many tables were copied now; those done before are not counted. */
  readonly tables: number;
  readonly rows: number;
  readonly seconds: number;
}

/** What a copy needs to know beside its options. */
interface CopyScope {
  readonly stopper: AbortController;
  /** A destination session for looking things up. */
  readonly writer: CopyWriter;
}

/**
 * Copies what is not copied yet. Before: the bookkeeping and a `table_state` row for each table of the spec exist. After: every
 * table is `running` and has a `copy_lsn`.
 *
 * @throws MirrorError of the first failure, or the signal's reason.
 */
export async function copyPendingTables(options: CopyTablesOptions): Promise<CopySummary> {
  const { spec, destination } = options;
  return await withWriter(options, async (scope) => {
    const { client } = scope.writer;
    const mappings = await onSide('destination', async () => {
      // A copy that hangs somewhere would hold its tables against being emptied.
      await endSessionsNamed(client, [destination.applicationName]);
      return await selectTablesToCopy(client, spec.id, spec.tables);
    });
    const targets = mappings.map((mapping): CopyTarget => ({ mapping, purpose: 'mirror' }));
    return await copyUnderSnapshot(options, targets, scope);
  });
}

/**
 * Copies these tables, whatever they hold, while others are streamed.
 *
 * @throws MirrorError of the first failure that is no table's own, or the signal's reason.
 */
export async function copyTables(
  options: CopyTablesOptions,
  targets: readonly CopyTarget[],
): Promise<CopySummary> {
  return await withWriter(options, (scope) => copyUnderSnapshot(options, targets, scope));
}

async function withWriter<Result>(
  options: CopyTablesOptions,
  work: (scope: CopyScope) => Promise<Result>,
): Promise<Result> {
  const stopper = new AbortController();
  // Every session listens for the end, and there may be many.
  setMaxListeners(0, stopper.signal);
  const onAbort = (): void => stopper.abort(options.signal.reason);
  options.signal.throwIfAborted();
  options.signal.addEventListener('abort', onAbort, { once: true });
  let writer: CopyWriter | undefined;
  try {
    writer = await openCopyWriter(options.destination, stopper.signal);
    return await work({ stopper, writer });
  } finally {
    options.signal.removeEventListener('abort', onAbort);
    if (writer) await closeSession(writer.client);
  }
}

async function copyUnderSnapshot(
  options: CopyTablesOptions,
  targets: readonly CopyTarget[],
  { stopper, writer }: CopyScope,
): Promise<CopySummary> {
  if (targets.length === 0) return { tables: 0, rows: 0, seconds: 0 };
  const { spec } = options;
  const nowMs = options.nowMs ?? (() => performance.now());
  const startedAtMs = nowMs();
  const snapshot = await openCopySnapshot({
    source: options.source,
    mirrorId: spec.id,
    signal: stopper.signal,
  });
  try {
    options.onSnapshot?.();
    const source = await snapshot.openReader();
    const copies = await planCopy({
      spec,
      targets,
      source,
      destination: writer.client,
      silencesTriggers: writer.silencesTriggers,
      refuse: ({ mapping }, error) => {
        if (!options.onTableFailure?.(mapping.source, error)) throw error;
      },
    }).finally(() => closeSession(source));
    const run = new CopyRun({ ...options, nowMs }, snapshot, copies, stopper);
    const { tables, rows } = await run.run();
    return { tables, rows, seconds: (nowMs() - startedAtMs) / 1000 };
  } finally {
    await snapshot.close();
  }
}

/** The workers of one copy, and the queue that they share. */
class CopyRun {
  readonly #options: CopyTablesOptions & { readonly nowMs: () => number };
  readonly #snapshot: CopySnapshot;
  readonly #copies: readonly TableCopy[];
  readonly #stopper: AbortController;
  readonly #queue: CopyQueue<TableCopy>;
  #waiting: (() => void)[] = [];
  readonly #dropped = new Set<TableCopy>();
  #tables = 0;
  #rows = 0;

  constructor(
    options: CopyTablesOptions & { readonly nowMs: () => number },
    snapshot: CopySnapshot,
    copies: readonly TableCopy[],
    stopper: AbortController,
  ) {
    this.#options = options;
    this.#snapshot = snapshot;
    this.#copies = copies;
    this.#stopper = stopper;
    this.#queue = new CopyQueue(copies, options.spec.options.snapshot_num_tables_in_parallel);
  }

  async run(): Promise<{ readonly tables: number; readonly rows: number }> {
    const rangeCount = this.#copies.reduce((sum, copy) => sum + copy.ranges.length, 0);
    const workersMax = this.#options.spec.options.snapshot_max_parallel_workers;
    const workerCount = Math.max(1, Math.min(workersMax, rangeCount));
    // All are waited for, so that no session outlives the call; `#work` does not reject.
    await Promise.all(Array.from({ length: workerCount }, () => this.#work()));
    this.#stopper.signal.throwIfAborted();
    return { tables: this.#tables, rows: this.#rows };
  }

  async #work(): Promise<void> {
    const { signal } = this.#stopper;
    const worker = new CopyWorker({
      mirrorId: this.#options.spec.id,
      epoch: this.#options.epoch,
      snapshot: this.#snapshot,
      destination: this.#options.destination,
      signal,
      onBytes: (table, bytes, rows) => {
        if (table.progress.addBytes(bytes, rows, this.#options.nowMs())) this.#tell(table);
      },
      onRange: (table) => this.#tell(table),
    });
    try {
      await worker.open();
      while (!signal.aborted) {
        const work = this.#queue.take();
        if (work.kind === 'done') break;
        if (work.kind === 'wait') await this.#somethingChanged();
        else await this.#copy(worker, work.table, work.range);
      }
    } catch (error) {
      // The first reason stays: the failures that follow are only echoes of it.
      this.#stopper.abort(error);
    } finally {
      if (signal.aborted) worker.kill();
      await worker.close();
      this.#wake();
    }
  }

  async #copy(worker: CopyWorker, table: TableCopy, range: CopyRange): Promise<void> {
    try {
      await this.#beginOnce(worker, table);
      await worker.copy(table, range);
      if (this.#queue.finish(table)) await this.#finish(worker, table);
    } catch (error) {
      if (this.#stopper.signal.aborted || !this.#drop(table, error)) throw error;
      // What the pair of sessions was in the midst of is not to be gone on with.
      worker.kill();
      await worker.open();
    }
  }

  /** Leaves a table out whose failure is its own; false when it is not. Several workers may meet it. */
  #drop(table: TableCopy, error: unknown): boolean {
    if (this.#dropped.has(table)) return true;
    if (!this.#options.onTableFailure?.(table.mapping.source, error)) return false;
    this.#dropped.add(table);
    this.#queue.close(table);
    this.#wake();
    return true;
  }

  async #beginOnce(worker: CopyWorker, table: TableCopy): Promise<void> {
    table.begun ??= worker.begin(table).then(() => {
      this.#options.onTableState(table.mapping.source, stateDuring(table.purpose), 0);
      this.#tell(table);
    });
    await table.begun;
  }

  async #finish(worker: CopyWorker, table: TableCopy): Promise<void> {
    const rows = await worker.finish(table);
    this.#tables += 1;
    this.#rows += rows;
    this.#queue.close(table);
    this.#tell(table);
    this.#options.onTableState(table.mapping.source, stateAfter(table.purpose), rows);
    this.#options.onCopied?.(table.mapping.source, this.#snapshot.lsn);
    this.#wake();
  }

  #tell(table: TableCopy): void {
    this.#options.onProgress(table.progress.snapshot());
  }

  #somethingChanged(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }
}
