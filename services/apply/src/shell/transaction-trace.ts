/**
 * The traces of batches go on here, where capture's `traceparent` came with the messages:
 *
 *     capture.batch ── apply.batch            from the arrival of its last message to the commit
 *                      └─ apply.transaction   of the first recorded batch; the other batches that went with it link to it
 *                         ├─ apply.stage      planning and sending the rows
 *                         ├─ apply.write      until the destination had done it
 *                         └─ apply.commit
 *
 * A transaction none of whose batches is recorded costs a look at the end of a text each, unless it fails.
 */
import { type Attributes, type Context, type Span, trace } from '@opentelemetry/api';
import { contextOf, markFailed, parseTraceParent, tellFailure } from '@bunnydb/messaging';
import type { MirrorError } from '@bunnydb/failure';
import { formatLsn } from '@bunnydb/pg-model';
import type { Batch } from '../core/batch-assembly.js';
import type { Advance } from '../core/advance.js';
import type { WriteMode } from './table-writer.js';

export interface TracedTransaction {
  readonly mirror: string;
  readonly batches: readonly Batch[];
  readonly mode: WriteMode;
  readonly advance: Advance;
}

export interface TransactionTrace {
  /** All is sent. */
  sent(): void;
  /** @param writtenAtMs when the destination had done everything but the COMMIT. */
  committed(writtenAtMs: number): void;
  /** @returns the id of the trace, for the log. */
  failed(failure: MirrorError): string | undefined;
}

/** Opens the spans of a destination transaction. */
export function startTransactionTrace(work: TracedTransaction): TransactionTrace {
  const recorded = work.batches.filter(isRecorded);
  const [first] = recorded;
  if (first !== undefined) return new RecordedTransaction(work, recorded, first);
  const startTime = Date.now();
  return {
    sent: () => undefined,
    committed: () => undefined,
    failed: (failure) => {
      const traceParent = work.batches[0]?.commit.traceParent;
      const parent = contextOf(traceParent);
      const span = { tracer: TRACER, name: 'apply.transaction', parent, startTime };
      tellFailure({ ...span, attributes: attributesOf(work) }, failure);
      return parseTraceParent(traceParent)?.traceId;
    },
  };
}

class RecordedTransaction implements TransactionTrace {
  readonly #batches: readonly Span[];
  readonly #transaction: Span;
  readonly #inside: Context;
  readonly #stage: Span;
  #sentAtMs: number;

  constructor(work: TracedTransaction, recorded: readonly Batch[], first: Batch) {
    const tracer = trace.getTracer(TRACER);
    const nowMs = preciseNowMs();
    this.#sentAtMs = nowMs;
    const own = startBatch(work.mirror, first, nowMs);
    const others = work.batches.filter((batch) => batch !== first).slice(0, LINKS_MAX);
    this.#transaction = tracer.startSpan(
      'apply.transaction',
      {
        attributes: attributesOf(work),
        startTime: nowMs,
        links: others.flatMap(({ commit }) => {
          const context = parseTraceParent(commit.traceParent);
          return context === undefined ? [] : [{ context }];
        }),
      },
      trace.setSpan(contextOf(first.commit.traceParent), own),
    );
    const links = [{ context: this.#transaction.spanContext() }];
    const rest = recorded.filter((batch) => batch !== first);
    this.#batches = [own, ...rest.map((batch) => startBatch(work.mirror, batch, nowMs, links))];
    this.#inside = trace.setSpan(contextOf(first.commit.traceParent), this.#transaction);
    this.#stage = tracer.startSpan('apply.stage', { startTime: nowMs }, this.#inside);
  }

  sent(): void {
    this.#sentAtMs = preciseNowMs();
    this.#stage.end(this.#sentAtMs);
  }

  committed(writtenAtMs: number): void {
    const tracer = trace.getTracer(TRACER);
    const endMs = preciseNowMs();
    // What was answered before all was sent has been written by then.
    const doneMs = Math.max(writtenAtMs, this.#sentAtMs);
    tracer.startSpan('apply.write', { startTime: this.#sentAtMs }, this.#inside).end(doneMs);
    tracer.startSpan('apply.commit', { startTime: doneMs }, this.#inside).end(endMs);
    for (const span of [this.#transaction, ...this.#batches]) span.end(endMs);
  }

  failed(failure: MirrorError): string {
    this.#stage.end();
    for (const span of [this.#transaction, ...this.#batches]) {
      markFailed(span, failure);
      span.end();
    }
    return this.#transaction.spanContext().traceId;
  }
}

function startBatch(
  mirror: string,
  { commit, bytes, arrivedAtMs }: Batch,
  nowMs: number,
  links: { context: ReturnType<Span['spanContext']> }[] = [],
): Span {
  const { head, transactions, streamSeq, traceParent } = commit;
  const attributes = {
    'bunny.mirror': mirror,
    'bunny.batch': head.batch,
    'bunny.stream_seq': streamSeq,
    'bunny.changes': head.changes,
    'bunny.transactions': transactions.length,
    'bunny.bytes': bytes,
    'bunny.first_lsn': formatLsn(head.firstLsn),
    'bunny.last_lsn': formatLsn(head.lastLsn),
  };
  const options = { attributes, links, startTime: arrivedAtMs ?? nowMs };
  return trace.getTracer(TRACER).startSpan('apply.batch', options, contextOf(traceParent));
}

function attributesOf({ mirror, batches, mode, advance }: TracedTransaction): Attributes {
  return {
    'bunny.mirror': mirror,
    'bunny.mode': mode,
    'bunny.batches': batches.length,
    'bunny.transactions': sum(batches, ({ commit }) => commit.transactions.length),
    'bunny.changes': sum(batches, ({ commit }) => commit.head.changes),
    'bunny.bytes': sum(batches, ({ bytes }) => bytes),
    'bunny.from_lsn': formatLsn(advance.from),
    'bunny.to_lsn': formatLsn(advance.to),
  };
}

function sum(batches: readonly Batch[], valueOf: (batch: Batch) => number): number {
  return batches.reduce((total, batch) => total + valueOf(batch), 0);
}

/** The flags are the last of a `traceparent`. */
function isRecorded({ commit }: Batch): boolean {
  return commit.traceParent.endsWith('-01');
}

/** The time of day with fractions of a millisecond: a commit may take less than one. */
export function preciseNowMs(): number {
  return performance.timeOrigin + performance.now();
}

const TRACER = 'bunnydb.apply';
const LINKS_MAX = 16;
