import { ROOT_CONTEXT, type Span, isSpanContextValid, trace } from '@opentelemetry/api';
import { formatTraceParent, markFailed, tellFailure } from '@bunnydb/messaging';
import { formatLsn } from '@bunnydb/pg-model';
import type { BatchFacts, BatchTrace } from '../core/batch-trace.js';

/**
 * Opens the trace of a batch when anybody traces; the applier goes on with it by `traceparent`:
 *
 *     capture.batch ─┬─ capture.read      until the batch was closed
 *                    └─ capture.publish   from its first message until JetStream had stored the last
 */
export function startBatchTrace(
  mirrorName: string,
  batch: string,
  startedAtMs: number,
): BatchTrace | undefined {
  const tracer = trace.getTracer(TRACER);
  const attributes = { 'bunny.mirror': mirrorName, 'bunny.batch': batch };
  // A batch begins a trace of its own, whoever caused it to be read.
  const options = { attributes, startTime: startedAtMs };
  const root = tracer.startSpan('capture.batch', options, ROOT_CONTEXT);
  const traceParent = formatTraceParent(root.spanContext());
  if (traceParent === undefined) return undefined;
  return root.isRecording()
    ? new RecordedBatch(root, traceParent, startedAtMs)
    : unrecorded(root, traceParent, { ...options, name: 'capture.batch' });
}

class RecordedBatch implements BatchTrace {
  readonly traceParent: string;
  readonly #root: Span;
  readonly #read: Span;
  readonly #publish: Span;

  constructor(root: Span, traceParent: string, startedAtMs: number) {
    this.traceParent = traceParent;
    this.#root = root;
    const tracer = trace.getTracer(TRACER);
    const inside = trace.setSpan(ROOT_CONTEXT, root);
    this.#read = tracer.startSpan('capture.read', { startTime: startedAtMs }, inside);
    this.#publish = tracer.startSpan('capture.publish', {}, inside);
  }

  closed(facts: BatchFacts): void {
    this.#read.setAttributes({
      'bunny.changes': facts.changes,
      'bunny.transactions': facts.transactions,
      'bunny.first_lsn': formatLsn(facts.firstLsn),
      'bunny.last_lsn': formatLsn(facts.lastLsn),
    });
    this.#read.end();
    this.#publish.setAttribute('bunny.messages', facts.messages);
    this.#root.setAttributes({
      'bunny.changes': facts.changes,
      'bunny.transactions': facts.transactions,
      'bunny.bytes': facts.bytes,
      'bunny.first_lsn': formatLsn(facts.firstLsn),
      'bunny.last_lsn': formatLsn(facts.lastLsn),
    });
    tellTransactions(this.#root, facts.lines);
  }

  stored(): void {
    this.#publish.end();
    this.#root.end();
  }

  failed(error: unknown): void {
    for (const span of [this.#publish, this.#root]) {
      markFailed(span, error);
      span.end();
    }
  }
}

/** Costs no more than its ids, unless it fails. */
function unrecorded(
  root: Span,
  traceParent: string,
  span: {
    readonly name: string;
    readonly attributes: Readonly<Record<string, string>>;
    readonly startTime: number;
  },
): BatchTrace {
  return {
    traceParent,
    closed: () => undefined,
    stored: () => undefined,
    failed: (error) => {
      if (!isSpanContextValid(root.spanContext())) return;
      const parent = trace.setSpan(ROOT_CONTEXT, root);
      tellFailure({ ...span, tracer: TRACER, parent }, error);
    },
  };
}

/** An event a source transaction, so that one can be found by its number or its LSN. */
function tellTransactions(span: Span, lines: string): void {
  for (const line of lines.split('\n', TRANSACTIONS_MAX)) {
    const [xid, commitLsn, endLsn, commitTime] = line.split('\t');
    if (commitLsn === undefined || endLsn === undefined || commitTime === undefined) continue;
    span.addEvent('source transaction', {
      'bunny.xid': xid,
      'bunny.commit_lsn': commitLsn,
      'bunny.end_lsn': endLsn,
      'bunny.commit_time': commitTime,
    });
  }
}

const TRACER = 'bunnydb.capture';
const TRANSACTIONS_MAX = 32;
