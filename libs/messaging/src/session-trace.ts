/**
 * A session has a trace of its own, so that its log lines can be found by it and beside what it did:
 *
 *     session            told when it starts, at once: it may go on for weeks, and a span is seen only when it has ended
 *     └─ session.failed  its failure, if it has one
 *
 * Batches begin traces of their own, and what a session asks of others is not drawn into this one: it would never end.
 */
import { type Context, ROOT_CONTEXT, isSpanContextValid, trace } from '@opentelemetry/api';
import { KEPT, tellFailure, withLogTrace } from './trace-context.js';

export interface TracedSession {
  readonly service: string;
  readonly instance: string;
  readonly mirrorId: string;
  readonly mirrorName: string;
  readonly generation: number;
}

export class SessionTrace {
  readonly #attributes: Readonly<Record<string, string | number>>;
  readonly #startedAtMs = Date.now();
  readonly #inside: Context;
  /** The context that the session runs in: its log lines bear the id of the trace. */
  readonly logged: Context;

  constructor(session: TracedSession) {
    this.#attributes = {
      'bunny.mirror': session.mirrorName,
      'bunny.mirror_id': session.mirrorId,
      'bunny.service': session.service,
      'bunny.instance': session.instance,
      'bunny.generation': session.generation,
    };
    const attributes = { ...this.#attributes, [KEPT]: true };
    const span = trace.getTracer(TRACER).startSpan('session', { attributes }, ROOT_CONTEXT);
    span.end();
    const own = span.spanContext();
    this.#inside = isSpanContextValid(own) ? trace.setSpan(ROOT_CONTEXT, span) : ROOT_CONTEXT;
    this.logged = withLogTrace(isSpanContextValid(own) ? own.traceId : undefined);
  }

  failed(error: unknown): void {
    const span = { tracer: TRACER, name: 'session.failed', startTime: this.#startedAtMs };
    tellFailure({ ...span, parent: this.#inside, attributes: this.#attributes }, error);
  }
}

const TRACER = 'bunnydb.session';
