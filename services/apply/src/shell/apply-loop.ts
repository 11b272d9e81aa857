import type { MirrorSpec } from '@bunnydb/contracts';
import { MirrorError, faultPoint } from '@bunnydb/failure';
import type { Lsn } from '@bunnydb/pg-model';
import type { Batch, LargeBatch } from '../core/batch-assembly.js';
import type { MirrorTables } from '../core/mirror-tables.js';
import type { TableNote } from '../core/table-note.js';
import { planSteps, type SkipRule } from '../core/work-step.js';
import { WorkTally } from '../core/work-tally.js';
import type { BatchGate } from './batch-gate.js';
import type { BatchQueue } from './batch-queue.js';
import type { Advance } from '../core/advance.js';
import type { DestinationTransactions, TransactionOutcome } from './destination-transaction.js';
import { type InFlight, advanceOf, failureOf, isStaleCatalog, remedyFor } from './in-flight.js';
import type { TableNotes } from './table-notes.js';
import type { TableRefusals } from './table-refusals.js';
import type { TableWriter, WriteMode } from './table-writer.js';
import { type TransactionTrace, startTransactionTrace } from './transaction-trace.js';

/** What the loop tells of a committed transaction. */
export interface CommittedWork {
  readonly batches: readonly Batch[];
  readonly advance: Advance;
  readonly tally: WorkTally;
  readonly mode: WriteMode;
  /** What was noted of tables with it. */
  readonly notes: readonly TableNote[];
  readonly wal: { readonly insertLsn: Lsn; readonly flushLsn: Lsn };
  /** From its first statement to the answer. */
  readonly seconds: number;
}

/** What it tells of a refused one. */
export interface RefusedWork {
  readonly batches: readonly Batch[];
  readonly mode: WriteMode;
  readonly failure: MirrorError;
  /** The id of its trace, if it has one. */
  readonly trace: string | undefined;
}

export interface ApplyLoopOptions {
  readonly spec: MirrorSpec;
  readonly tables: MirrorTables;
  readonly transactions: DestinationTransactions;
  readonly queue: BatchQueue;
  readonly gate: BatchGate;
  readonly notes: TableNotes;
  readonly refusals: TableRefusals;
  readonly position: { readonly lsn: Lsn; readonly streamSeq: number };
  /** Writes a batch that is not held, reading it from the stream again. */
  readonly writeLarge: (
    batch: LargeBatch,
    rule: SkipRule,
    writer: TableWriter,
    mode: WriteMode,
    tally: WorkTally,
  ) => Promise<void>;
  /** Reads the destination's catalog again. */
  readonly refreshTables: () => Promise<void>;
  readonly onCommitted: (work: CommittedWork) => void;
  readonly onRefused: (work: RefusedWork) => void;
  /** Between two transactions: commands that need no answer may be sent. */
  readonly onTurn: () => void;
  /** Nothing waits and nothing is in flight: the time for what else the session has to do. */
  readonly onIdle: () => Promise<void>;
}

/**
 * Takes whole batches from the queue and commits them at the destination, in order.
 *
 * All that waits, up to `max_batch_size` changes, becomes one destination transaction; a batch is never split. Up to two transactions are in
 * flight: while the server works on the first, the second is on its way. The second takes the position from where the first
 * leads, so it cannot commit without it.
 *
 * When a transaction is refused, the session is rolled back and the catalog read again. Then the batches that were in flight are
 * applied one transaction each, first as before and, when one is refused again, row by row in the source's order (the exact path).
 * What that refuses too is either one table's trouble: then the table leaves the main lane with this batch, and the batch is applied
 * without it (`table-refusals.ts`). Or it is thrown: nothing of it is committed and the position stands before it.
 *
 * Before a batch that changes structure the loop waits for all answers (`batch-gate.ts`). Errands of the lanes are run between two transactions, too.
 *
 * Example: batches 7, 8 and 9 are in one transaction, 10 in the next. 8 swaps two unique values; the set-based update is refused. Batch 10's
 * transaction is refused with it. 7 goes through alone, 8 by the exact path, then 9 and 10.
 */
export class ApplyLoop {
  readonly #options: ApplyLoopOptions;
  readonly #inFlight: InFlight[] = [];
  /** What batches that are not committed yet have to note. */
  readonly #notes = new Map<Batch, readonly TableNote[]>();
  readonly #errands: Errand[] = [];
  /** Where the last transaction that was sent leads. */
  #position: Lsn;
  #streamSeq: number;
  #hasEnded = false;
  /** Work of others that is waited for. */
  #away = 0;

  constructor(options: ApplyLoopOptions) {
    this.#options = options;
    this.#position = options.position.lsn;
    this.#streamSeq = options.position.streamSeq;
  }

  /** An advance that stays where the loop is: for an errand's transaction. */
  get standstill(): Advance {
    return {
      from: this.#position,
      to: this.#position,
      streamSeq: this.#streamSeq,
      commitTime: null,
    };
  }

  /** Runs something between two transactions, with nothing in flight; its failure is its caller's. */
  async runErrand(work: () => Promise<void>): Promise<void> {
    if (this.#hasEnded) throw new MirrorError('server_shutting_down', 'the session has ended');
    await new Promise<void>((resolve, reject) => {
      this.#errands.push({ work, resolve, reject });
      this.#options.queue.interrupt();
    });
  }

  /** Whether a sent transaction is not answered. */
  get isBusy(): boolean {
    return this.#inFlight.length > 0;
  }

  /** Whether it waits for work that others do: lanes, the schema service, the stream of a large batch. */
  get isAway(): boolean {
    return this.#away > 0;
  }

  /** Runs until the queue ends. @throws MirrorError what cannot be applied. */
  async run(): Promise<void> {
    try {
      await this.#run();
    } finally {
      this.#hasEnded = true;
      const ended = new MirrorError('server_shutting_down', 'the session has ended');
      for (const { reject } of this.#errands.splice(0)) reject(ended);
    }
  }

  async #run(): Promise<void> {
    const { queue, spec } = this.#options;
    const limits = {
      changes: spec.options.max_batch_size,
      bytes: TRANSACTION_BYTES_MAX,
      lingerMs: spec.options.idle_timeout_seconds * 1_000,
    };
    for (;;) {
      const batches = await queue.take(limits, this.isBusy ? BUSY_WAIT_MS : IDLE_WAIT_MS);
      if (this.#isRefused) await this.#recover();
      if (batches === undefined) break;
      this.#options.onTurn();
      if (batches.length > 0) await this.#apply(batches);
      if (this.#errands.length > 0) await this.#runErrands();
      if (batches.length === 0 && !this.isBusy) await this.#options.onIdle();
    }
    await this.#settleAll();
  }

  async #runErrands(): Promise<void> {
    await this.#settleAll();
    for (const { work, resolve, reject } of this.#errands.splice(0))
      await this.#waitFor(work()).then(resolve, reject);
  }

  /** Sends batches, in as few transactions as their structure allows. */
  async #apply(batches: readonly Batch[]): Promise<void> {
    const { gate } = this.#options;
    let together: Batch[] = [];
    for (const batch of batches) {
      if (gate.isClosed(batch)) {
        if (gate.mustWait(batch)) {
          if (together.length > 0) await this.#sendTogether(together);
          together = [];
          await this.#settleAll();
        }
        this.#notes.set(batch, await this.#waitFor(gate.open(batch)));
      }
      together.push(batch);
    }
    await this.#sendTogether(together);
  }

  async #sendTogether(batches: readonly Batch[]): Promise<void> {
    const isLarge = batches.some((batch) => batch.kind === 'large');
    while (this.#inFlight.length >= (isLarge ? 1 : IN_FLIGHT_MAX)) {
      await this.#inFlight[0]?.settled;
      if (this.#isRefused) await this.#recover();
    }
    await this.#send(batches, 'fast');
    if (isLarge) await this.#settleAll();
  }

  async #settleAll(): Promise<void> {
    for (const work of [...this.#inFlight]) await work.settled;
    if (this.#isRefused) await this.#recover();
  }

  /** Sends a transaction. One whose rows cannot even be planned counts as sent and refused. */
  async #send(batches: readonly Batch[], mode: WriteMode): Promise<InFlight> {
    const advance = advanceOf(this.#position, batches);
    const tally = new WorkTally();
    const mirror = this.#options.spec.name;
    const trace = startTransactionTrace({ mirror, batches, mode, advance });
    const sentAtMs = performance.now();
    const answer = await this.#options.transactions
      .send((writer) => this.#write(writer, batches, mode, tally), advance)
      .catch((error: unknown) => ({
        outcome: Promise.resolve<TransactionOutcome>({ ok: false, error, label: undefined }),
      }));
    trace.sent();
    const settled = answer.outcome
      .catch((error: unknown): TransactionOutcome => ({ ok: false, error, label: undefined }))
      .then((outcome) => {
        this.#settle(work, outcome);
        if (outcome.ok) trace.committed(outcome.writtenAtMs);
        else this.#refused(work, trace);
      });
    const work: InFlight = { batches, advance, tally, mode, sentAtMs, settled, outcome: undefined };
    this.#inFlight.push(work);
    this.#position = advance.to;
    this.#streamSeq = advance.streamSeq;
    return work;
  }

  async #write(
    writer: TableWriter,
    batches: readonly Batch[],
    mode: WriteMode,
    tally: WorkTally,
  ): Promise<void> {
    const { tables, writeLarge, notes } = this.#options;
    const rule: SkipRule = {
      position: this.#position,
      copyLsnOf: (table) => tables.copyLsnOf(table),
      laneOf: (table) => tables.laneOf(table),
    };
    for (const note of this.#notesOf(batches)) notes.write(note);
    const [first] = batches;
    if (first?.kind === 'large') return this.#waitFor(writeLarge(first, rule, writer, mode, tally));
    const sources = batches.flatMap((batch) =>
      batch.kind === 'held'
        ? [{ messages: batch.messages, transactions: batch.commit.transactions }]
        : [],
    );
    const steps = planSteps(sources, rule);
    tally.addSteps(steps);
    await writer.write(steps, mode, tally);
  }

  /** Notes an answer; answers come in the order of sending. */
  #settle(work: InFlight, outcome: TransactionOutcome): void {
    work.outcome = outcome;
    if (!outcome.ok) {
      this.#options.queue.interrupt();
      return;
    }
    faultPoint('apply.after_commit');
    this.#inFlight.splice(this.#inFlight.indexOf(work), 1);
    const notes = this.#notesOf(work.batches);
    for (const batch of work.batches) this.#notes.delete(batch);
    const seconds = (performance.now() - work.sentAtMs) / 1_000;
    this.#options.onCommitted({ ...work, notes, seconds, wal: outcome.wal });
    // Nothing is in flight any more: the loop need not wait to see how far the destination has flushed.
    if (!this.isBusy) this.#options.queue.interrupt();
  }

  #refused(work: InFlight, trace: TransactionTrace): void {
    const { batches, mode } = work;
    const failure = failureOf(work);
    this.#options.onRefused({ batches, mode, failure, trace: trace.failed(failure) });
  }

  /** While others work, silence is no sign of a loop that is stuck. */
  async #waitFor<Result>(work: Promise<Result>): Promise<Result> {
    this.#away += 1;
    try {
      return await work;
    } finally {
      this.#away -= 1;
    }
  }

  #notesOf(batches: readonly Batch[]): readonly TableNote[] {
    if (this.#notes.size === 0) return NO_NOTES;
    return batches.flatMap((batch) => this.#notes.get(batch) ?? []);
  }

  get #isRefused(): boolean {
    return this.#inFlight.some((work) => work.outcome?.ok === false);
  }

  /** Applies again, batch by batch, what was in flight when a transaction was refused. */
  async #recover(): Promise<void> {
    const refused = this.#inFlight.splice(0);
    for (const work of refused) await work.settled;
    const [first] = refused;
    if (!first?.outcome || first.outcome.ok) return;
    this.#throwUnlessRemedied(first);
    await this.#resetSession();
    this.#position = first.advance.from;
    // A table that is locked leaves with the first batch of its transaction: nothing of that is committed.
    if (remedyFor(first) === 'hold') await this.#judge(first.batches, first);
    const wasAlone = first.batches.length === 1;
    for (const batch of refused.flatMap((work) => work.batches)) {
      const isCulprit = wasAlone && batch === first.batches[0] && remedyFor(first) === 'exact';
      await this.#applyAlone(batch, isCulprit ? 'exact' : 'fast');
    }
  }

  async #applyAlone(batch: Batch, firstMode: WriteMode): Promise<void> {
    let mode = firstMode;
    for (let attempt = 1; ; attempt++) {
      const work = await this.#send([batch], mode);
      await work.settled;
      if (work.outcome?.ok !== false) return;
      this.#inFlight.splice(0);
      this.#position = work.advance.from;
      this.#throwUnlessRemedied(work);
      const remedy = remedyFor(work);
      const isExact = remedy === 'exact';
      if (remedy === 'hold' || (mode === 'exact' && isExact && !isStaleCatalog(work))) {
        await this.#judge([batch], work);
        attempt = 0;
        mode = 'fast';
        continue;
      }
      if (attempt >= ATTEMPTS_MAX) throw failureOf(work);
      await this.#resetSession();
      if (isExact) mode = 'exact';
    }
  }

  /** Takes out of the main lane what batches are refused for, or has the structure mended. @throws MirrorError when neither can be done. */
  async #judge(batches: readonly Batch[], work: InFlight): Promise<void> {
    const failure = failureOf(work);
    const [batch] = batches;
    if (!batch) throw failure;
    const remedy = await this.#waitFor(
      this.#options.refusals.judge(failure, batch.commit.head.batch),
    );
    if (remedy.tag === 'stop') throw failure;
    this.#notes.set(batch, [...this.#notesOf([batch]), ...remedy.notes]);
    await this.#resetSession();
  }

  /** Throws when no other way of writing can help. */
  #throwUnlessRemedied(work: InFlight): void {
    if (remedyFor(work) === 'stop') throw failureOf(work);
  }

  async #resetSession(): Promise<void> {
    await this.#options.transactions.rollBack();
    await this.#options.refreshTables();
  }
}

/** What somebody waits for. */
interface Errand {
  readonly work: () => Promise<void>;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

const NO_NOTES: readonly TableNote[] = [];
const IN_FLIGHT_MAX = 2;
const TRANSACTION_BYTES_MAX = 4 * 1024 * 1024;
const ATTEMPTS_MAX = 4;
/** How soon a refused transaction is noticed at the latest when nothing else wakes the loop. */
const BUSY_WAIT_MS = 1_000;
const IDLE_WAIT_MS = 50;
