import type { MirrorSpec } from '@bunnydb/contracts';
import type { Messaging, SessionContext } from '@bunnydb/messaging';
import { type ConnectionSettings, toMirrorError } from '@bunnydb/pg-client';
import type { ApplyProgress } from '../core/apply-progress.js';
import type { LargeBatch } from '../core/batch-assembly.js';
import { type MirrorTable, MirrorTables } from '../core/mirror-tables.js';
import { PositionTrack } from '../core/position-track.js';
import { type SkipRule, isSkipped, planSteps } from '../core/work-step.js';
import { WorkTally } from '../core/work-tally.js';
import { ApplyLoop, type CommittedWork } from './apply-loop.js';
import { BatchQueue } from './batch-queue.js';
import { BatchReader } from './batch-reader.js';
import { readDestinationTables } from './destination-catalog.js';
import { type DestinationSession, openDestination } from './destination-session.js';
import { DestinationTransactions } from './destination-transaction.js';
import { readLargeBatch } from './large-batch.js';
import { PositionReport } from './position-report.js';
import type { PositionRow } from './position-row.js';
import type { StatsReport } from './stats-report.js';
import type { TableWriter, WriteMode } from './table-writer.js';

export interface StreamChangesOptions {
  readonly spec: MirrorSpec;
  readonly context: SessionContext;
  readonly messaging: Messaging;
  readonly destination: ConnectionSettings;
  readonly position: PositionRow;
  readonly tables: readonly MirrorTable[];
  readonly progress: ApplyProgress;
  readonly report: StatsReport;
}

/** Streams one mirror's changes until the signal aborts or something fails. */
export async function streamChanges(options: StreamChangesOptions): Promise<void> {
  const { signal } = options.context;
  const destination = await openDestination(options.destination, options.spec, signal);
  const { session } = destination;
  // What is in flight at the end gets a moment to be answered; then the connection is cut, and the position row tells how it went.
  let cut: NodeJS.Timeout | undefined;
  const cutLater = (): void => {
    cut = setTimeout(() => session.destroy(), DRAIN_MS);
  };
  signal.addEventListener('abort', cutLater, { once: true });
  if (signal.aborted) cutLater();
  try {
    await new Streaming(options, destination).run();
  } catch (error) {
    throw toMirrorError(error, { role: 'destination' });
  } finally {
    signal.removeEventListener('abort', cutLater);
    await session.close();
    clearTimeout(cut);
  }
}

/** Reader, loop and reports of one session, wired together. */
class Streaming {
  readonly #options: StreamChangesOptions;
  readonly #destination: DestinationSession;
  readonly #tables: MirrorTables;
  readonly #transactions: DestinationTransactions;
  readonly #queue = new BatchQueue(QUEUE_BYTES_MAX);
  /** Ends the reader when the loop fails. */
  readonly #stopping = new AbortController();
  #unwrittenCounts = new WorkTally();
  #countsWrittenAtMs = performance.now();

  constructor(options: StreamChangesOptions, destination: DestinationSession) {
    this.#options = options;
    this.#destination = destination;
    this.#tables = new MirrorTables(options.tables);
    this.#transactions = new DestinationTransactions(destination, this.#tables, {
      mirrorId: options.spec.id,
      epoch: options.position.epoch,
    });
  }

  async run(): Promise<void> {
    const { context, messaging, spec, position, report } = this.#options;
    await this.#refreshTables();
    const wal = await this.#transactions.readWal();
    const track = new PositionTrack(position, wal.insertLsn);
    const stop = (): void => this.#stopping.abort(context.signal.reason);
    context.signal.addEventListener('abort', stop, { once: true });
    if (context.signal.aborted) stop();
    const reader = new BatchReader({
      messaging,
      mirrorId: spec.id,
      position,
      queue: this.#queue,
      heldBytesMax: HELD_BYTES_MAX,
      signal: this.#stopping.signal,
    });
    const positions = new PositionReport(messaging, spec.id, track);
    const loop = this.#openLoop(track, positions);
    report.follow(() => ({
      applied: track.applied.lsn,
      flushed: track.flushed.lsn,
      isDrained: reader.isDrained && this.#queue.isEmpty && !loop.isBusy,
    }));
    const reading = this.#read(reader);
    try {
      await loop.run();
      await this.#writeCounts();
    } finally {
      this.#stopping.abort();
      this.#queue.abandon();
      await reading;
      context.signal.removeEventListener('abort', stop);
      positions.close();
    }
  }

  /** Reads until told to stop; a failure comes out of the queue, behind what was read before it. */
  async #read(reader: BatchReader): Promise<void> {
    try {
      await reader.run();
      this.#queue.abandon();
    } catch (error) {
      this.#queue.end(error);
    }
  }

  #openLoop(track: PositionTrack, positions: PositionReport): ApplyLoop {
    const { spec, position } = this.#options;
    return new ApplyLoop({
      spec,
      tables: this.#tables,
      transactions: this.#transactions,
      queue: this.#queue,
      position: position.lsn,
      writeLarge: (batch, rule, writer, mode, tally) =>
        this.#writeLarge(batch, rule, writer, mode, tally),
      refreshTables: () => this.#refreshTables(),
      onCommitted: (work) => {
        track.commit(
          { lsn: work.advance.to, streamSeq: work.advance.streamSeq },
          work.wal.insertLsn,
        );
        track.flush(work.wal.flushLsn);
        positions.moved();
        this.#note(work);
      },
      onTurn: () => {
        if (performance.now() - this.#countsWrittenAtMs > COUNTS_INTERVAL_MS)
          void this.#writeCounts();
      },
      onIdle: async () => {
        if (!track.hasUnflushed) return;
        track.flush((await this.#transactions.readWal()).flushLsn);
        positions.moved();
      },
    });
  }

  #note(work: CommittedWork): void {
    const { context, progress } = this.#options;
    this.#unwrittenCounts.add(work.tally);
    progress.addWork(
      {
        transactions: work.batches.reduce((sum, { commit }) => sum + commit.transactions.length, 0),
        batches: work.batches.length,
        batchId: work.batches.at(-1)?.commit.head.batch ?? '',
        commitTime: work.advance.commitTime,
        wasExact: work.mode === 'exact',
        tally: work.tally,
      },
      new Date().toISOString(),
    );
    context.markHealthy();
  }

  async #writeCounts(): Promise<void> {
    this.#countsWrittenAtMs = performance.now();
    const counts = this.#unwrittenCounts;
    if (counts.tables.length === 0) return;
    this.#unwrittenCounts = new WorkTally();
    // A lost connection is told by the transaction that meets it; the counts are put back for a refusal.
    const isWritten = await this.#transactions.addCounts(counts).catch(() => false);
    if (!isWritten) this.#unwrittenCounts.add(counts);
  }

  async #refreshTables(): Promise<void> {
    const { session } = this.#destination;
    this.#tables.learn(await readDestinationTables(session, this.#tables.destinations));
  }

  async #writeLarge(
    batch: LargeBatch,
    rule: SkipRule,
    writer: TableWriter,
    mode: WriteMode,
    tally: WorkTally,
  ): Promise<void> {
    const { messaging, spec } = this.#options;
    const from = { messaging, mirrorId: spec.id, signal: this.#stopping.signal };
    for await (const piece of readLargeBatch(batch, from)) {
      if (writer.hasFailed) return;
      if (piece.kind === 'rows') {
        const { transactions } = batch.commit;
        const steps = planSteps([{ messages: piece.messages, transactions }], rule);
        tally.addSteps(steps);
        await writer.write(steps, mode, tally);
      } else if (isSkipped(piece.first, rule)) {
        for await (const bytes of piece.bytes) void bytes;
      } else {
        const { head } = piece.first;
        tally.addRow(head.table, head.ops);
        await writer.writeLargeRow(head.table, head, piece.bytes, tally);
      }
    }
  }
}

/** Whole batches that wait; with what the reader and the two transactions in flight hold, all that a session keeps. */
const QUEUE_BYTES_MAX = 6 * 1024 * 1024;
/** A larger batch is read from the stream again when it is complete. */
const HELD_BYTES_MAX = 16 * 1024 * 1024;
const DRAIN_MS = 3_000;
const COUNTS_INTERVAL_MS = 1_000;
