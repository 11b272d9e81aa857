import { type MirrorSpec, lanesSubject } from '@bunnydb/contracts';
import type { Messaging, SessionContext } from '@bunnydb/messaging';
import { type ConnectionSettings, toMirrorError } from '@bunnydb/pg-client';
import { type QualifiedName, formatQualifiedName } from '@bunnydb/pg-model';
import type { LivenessDoor, MetricDoor } from '@bunnydb/service-shell';
import type { ApplyProgress } from '../core/apply-progress.js';
import { type MirrorTable, MirrorTables } from '../core/mirror-tables.js';
import { PositionTrack } from '../core/position-track.js';
import type { TableNote } from '../core/table-note.js';
import { WorkTally } from '../core/work-tally.js';
import { ApplyLoop, type CommittedWork } from './apply-loop.js';
import { BatchQueue } from './batch-queue.js';
import { BatchReader } from './batch-reader.js';
import { BatchGate } from './batch-gate.js';
import { learnTables } from './destination-catalog.js';
import { type DestinationSession, openDestination } from './destination-session.js';
import { DestinationTransactions } from './destination-transaction.js';
import { LaneDoor } from './lane-door.js';
import { LaneRunner } from './lane-runner.js';
import { writeLargeBatch } from './large-writer.js';
import { PositionReport } from './position-report.js';
import type { PositionRow } from './position-row.js';
import { findRenamedTable } from './renamed-tables.js';
import { SchemaQuestions } from './schema-questions.js';
import type { StatsReport } from './stats-report.js';
import { StreamWatch } from './stream-watch.js';
import { TableNotes } from './table-notes.js';
import { TableRefusals } from './table-refusals.js';

export interface StreamChangesOptions {
  readonly spec: MirrorSpec;
  readonly context: SessionContext;
  readonly messaging: Messaging;
  readonly source: ConnectionSettings;
  readonly destination: ConnectionSettings;
  readonly position: PositionRow;
  readonly tables: readonly MirrorTable[];
  readonly progress: ApplyProgress;
  readonly report: StatsReport;
  readonly metrics: MetricDoor | undefined;
  readonly liveness: LivenessDoor | undefined;
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

/** Reader, loop, lanes and reports of one session, wired together. */
class Streaming {
  readonly #options: StreamChangesOptions;
  readonly #destination: DestinationSession;
  readonly #tables: MirrorTables;
  readonly #transactions: DestinationTransactions;
  readonly #notes: TableNotes;
  readonly #questions: SchemaQuestions;
  readonly #queue = new BatchQueue(QUEUE_BYTES_MAX);
  /** Ends the reader when the loop fails. */
  readonly #stopping = new AbortController();
  readonly #watch: StreamWatch;
  #unwrittenCounts = new WorkTally();
  #countsWrittenAtMs = performance.now();

  constructor(options: StreamChangesOptions, destination: DestinationSession) {
    this.#options = options;
    this.#destination = destination;
    const { spec, messaging } = options;
    this.#questions = new SchemaQuestions(messaging, spec, this.#stopping.signal);
    const { metrics, liveness } = options;
    this.#watch = new StreamWatch({
      ...{ spec, messaging, metrics, liveness, queue: this.#queue },
      session: destination.session,
    });
    this.#tables = new MirrorTables(options.tables, {
      leavesOut: !this.#questions.carriesSchema,
    });
    this.#notes = new TableNotes(destination.session, spec.id);
    this.#transactions = new DestinationTransactions(destination, this.#tables, {
      mirrorId: spec.id,
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
    this.#watch.open(loop);
    const reading = this.#read(reader);
    const lanes = this.#runLanes(loop);
    try {
      await loop.run();
      await this.#writeCounts();
    } finally {
      this.#stopping.abort();
      this.#queue.abandon();
      await Promise.all([reading, lanes]);
      context.signal.removeEventListener('abort', stop);
      this.#watch.close();
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

  /** Runs the lanes until told to stop; what is no single table's fault ends the session. */
  async #runLanes(loop: ApplyLoop): Promise<void> {
    const { spec, position, source, destination, messaging, progress } = this.#options;
    const context = { ...this.#options.context, signal: this.#stopping.signal };
    const mainLane = new LaneDoor({
      ...{ spec, context, destination, progress, loop },
      session: this.#destination.session,
      tables: this.#tables,
      transactions: this.#transactions,
      notes: this.#notes,
      onJoined: (tally) => this.#unwrittenCounts.add(tally),
    });
    try {
      const { epoch } = position;
      const { metrics } = this.#options;
      const lanes = {
        ...{ spec, epoch, context, source, destination, messaging, progress, mainLane, metrics },
      };
      await new LaneRunner(lanes).run();
    } catch (error) {
      this.#queue.end(error);
    }
  }

  #openLoop(track: PositionTrack, positions: PositionReport): ApplyLoop {
    const { spec, position, messaging, source } = this.#options;
    const tables = this.#tables;
    const questions = this.#questions;
    const from = { messaging, mirrorId: spec.id, signal: this.#stopping.signal };
    return new ApplyLoop({
      spec,
      tables,
      transactions: this.#transactions,
      queue: this.#queue,
      position,
      gate: new BatchGate({
        mirrorId: spec.id,
        messaging,
        tables,
        questions,
        refreshTables: (only) => this.#refreshTables(only),
        findRenamed: (name, told) =>
          findRenamedTable(source, { name, told }, tables, this.#stopping.signal),
      }),
      notes: this.#notes,
      refusals: new TableRefusals({ spec, messaging, tables, questions }),
      writeLarge: (batch, rule, writer, mode, tally) =>
        writeLargeBatch(batch, from, { rule, writer, mode, tally }),
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
      onRefused: (work) => this.#watch.refused(work),
      onTurn: () => {
        this.#watch.turned();
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
    this.#watch.committed(work);
    for (const note of work.notes) this.#tell(note);
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

  /** A note is committed: a table that left the main lane is told, to people and to its lane. */
  #tell(note: TableNote): void {
    if (note.tag !== 'parked') return;
    const { context, messaging, progress, spec } = this.#options;
    const table = formatQualifiedName(note.table);
    progress.setTableStatus(table, note.state);
    context
      .emit('table_state_changed', {
        table,
        status: note.state,
        ...(note.failure ? { failure: note.failure, next_retry_at: note.nextRetryAt } : {}),
      })
      .catch(() => undefined);
    messaging.publishJson(lanesSubject(spec.id), {});
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

  async #refreshTables(only?: readonly QualifiedName[]): Promise<void> {
    await learnTables(this.#destination.session, this.#tables, this.#options.spec.id, only);
  }
}

/** Whole batches that wait; with what the reader and the two transactions in flight hold, all that a session keeps. */
const QUEUE_BYTES_MAX = 6 * 1024 * 1024;
/** A larger batch is read from the stream again when it is complete. */
const HELD_BYTES_MAX = 16 * 1024 * 1024;
const DRAIN_MS = 3_000;
const COUNTS_INTERVAL_MS = 1_000;
