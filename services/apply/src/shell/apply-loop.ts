import type { MirrorSpec } from '@bunnydb/contracts';
import { MirrorError, faultPoint } from '@bunnydb/failure';
import { sqlstateOf } from '@bunnydb/pg-client';
import type { Lsn } from '@bunnydb/pg-model';
import type { Batch, LargeBatch } from '../core/batch-assembly.js';
import { type Remedy, remedyOf } from '../core/batch-failure.js';
import type { MirrorTables } from '../core/mirror-tables.js';
import { planSteps, type SkipRule } from '../core/work-step.js';
import { WorkTally } from '../core/work-tally.js';
import type { BatchQueue } from './batch-queue.js';
import { startBatchSpan } from './batch-span.js';
import type {
  Advance,
  DestinationTransactions,
  TransactionOutcome,
} from './destination-transaction.js';
import type { TableWriter, WriteMode } from './table-writer.js';
import { writeFailure } from './write-failure.js';

/** What the loop tells of a committed transaction. */
export interface CommittedWork {
  readonly batches: readonly Batch[];
  readonly advance: Advance;
  readonly tally: WorkTally;
  readonly mode: WriteMode;
  readonly wal: { readonly insertLsn: Lsn; readonly flushLsn: Lsn };
}

export interface ApplyLoopOptions {
  readonly spec: MirrorSpec;
  readonly tables: MirrorTables;
  readonly transactions: DestinationTransactions;
  readonly queue: BatchQueue;
  readonly position: Lsn;
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
  /** Between two transactions: commands that need no answer may be sent. */
  readonly onTurn: () => void;
  /** Nothing waits and nothing is in flight: the time for what else the session has to do. */
  readonly onIdle: () => Promise<void>;
}

/** A destination transaction that is sent and maybe not answered. */
interface InFlight {
  readonly batches: readonly Batch[];
  readonly advance: Advance;
  readonly tally: WorkTally;
  readonly mode: WriteMode;
  readonly settled: Promise<void>;
  outcome: TransactionOutcome | undefined;
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
 * What that refuses too is thrown: nothing of it is committed and the position stands before it.
 *
 * Example: batches 7, 8 and 9 are in one transaction, 10 in the next. 8 swaps two unique values; the set-based update is refused. Batch 10's
 * transaction is refused with it. 7 goes through alone, 8 by the exact path, then 9 and 10.
 */
export class ApplyLoop {
  readonly #options: ApplyLoopOptions;
  readonly #inFlight: InFlight[] = [];
  /** Where the last transaction that was sent leads. */
  #position: Lsn;

  constructor(options: ApplyLoopOptions) {
    this.#options = options;
    this.#position = options.position;
  }

  /** Whether a sent transaction is not answered. */
  get isBusy(): boolean {
    return this.#inFlight.length > 0;
  }

  /** Runs until the queue ends. @throws MirrorError what cannot be applied. */
  async run(): Promise<void> {
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
      if (batches.length === 0 && !this.isBusy) await this.#options.onIdle();
    }
    await this.#settleAll();
  }

  async #apply(batches: readonly Batch[]): Promise<void> {
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
    const span = startBatchSpan(batches, mode);
    const answer = await this.#options.transactions
      .send((writer) => this.#write(writer, batches, mode, tally), advance)
      .catch((error: unknown) => ({
        outcome: Promise.resolve<TransactionOutcome>({ ok: false, error, label: undefined }),
      }));
    const settled = answer.outcome
      .catch((error: unknown): TransactionOutcome => ({ ok: false, error, label: undefined }))
      .then((outcome) => {
        span.end();
        this.#settle(work, outcome);
      });
    const work: InFlight = { batches, advance, tally, mode, settled, outcome: undefined };
    this.#inFlight.push(work);
    this.#position = advance.to;
    return work;
  }

  async #write(
    writer: TableWriter,
    batches: readonly Batch[],
    mode: WriteMode,
    tally: WorkTally,
  ): Promise<void> {
    const { tables, writeLarge } = this.#options;
    const rule: SkipRule = {
      position: this.#position,
      copyLsnOf: (table) => tables.copyLsnOf(table),
    };
    const [first] = batches;
    if (first?.kind === 'large') return writeLarge(first, rule, writer, mode, tally);
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
    this.#options.onCommitted({ ...work, wal: outcome.wal });
    // Nothing is in flight any more: the loop need not wait to see how far the destination has flushed.
    if (!this.isBusy) this.#options.queue.interrupt();
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
      if (mode === 'exact' && remedyFor(work) === 'exact' && !isStaleCatalog(work))
        throw failure(work);
      if (attempt >= ATTEMPTS_MAX) throw failure(work);
      await this.#resetSession();
      if (remedyFor(work) === 'exact') mode = 'exact';
    }
  }

  /** Throws when no other way of writing can help. */
  #throwUnlessRemedied(work: InFlight): void {
    if (remedyFor(work) === 'stop') throw failure(work);
  }

  async #resetSession(): Promise<void> {
    await this.#options.transactions.rollBack();
    await this.#options.refreshTables();
  }
}

function remedyFor(work: InFlight): Remedy {
  if (!work.outcome || work.outcome.ok) return 'again';
  const { error, label } = work.outcome;
  if (label?.action === 'position') return 'stop';
  // The plan did not fit the catalog as it was read; it is read again.
  if (error instanceof MirrorError)
    return error.kind === 'schema_mismatch' || error.kind === 'table_missing' ? 'exact' : 'stop';
  return remedyOf(sqlstateOf(error));
}

/** The statements were right for the columns that the tables had; with the new ones they deserve another try. */
function isStaleCatalog(work: InFlight): boolean {
  return work.outcome?.ok === false && work.outcome.label?.action === 'fingerprint';
}

function failure(work: InFlight): MirrorError {
  const outcome = work.outcome;
  return outcome && !outcome.ok
    ? writeFailure(outcome.error, outcome.label)
    : new MirrorError('unexpected', 'a refused transaction has no error');
}

function advanceOf(from: Lsn, batches: readonly Batch[]): Advance {
  const last = batches.at(-1);
  const commitTimes = batches.flatMap(
    (batch) => batch.commit.transactions.at(-1)?.commitTime ?? [],
  );
  return {
    from,
    to: last?.commit.head.lastLsn ?? from,
    streamSeq: last?.commit.streamSeq ?? 0,
    commitTime: commitTimes.at(-1) ?? null,
  };
}

const IN_FLIGHT_MAX = 2;
const TRANSACTION_BYTES_MAX = 4 * 1024 * 1024;
const ATTEMPTS_MAX = 4;
/** How soon a refused transaction is noticed at the latest when nothing else wakes the loop. */
const BUSY_WAIT_MS = 1_000;
const IDLE_WAIT_MS = 50;
