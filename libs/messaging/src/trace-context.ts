/**
 * Trace context over NATS: W3C's `traceparent` as a header. Spans go over process borders explicitly, so that the data path
 * needs nothing of the runtime's context tracking.
 */
import {
  type Attributes,
  type Context,
  type Span,
  type SpanContext,
  SpanStatusCode,
  TraceFlags,
  context,
  createContextKey,
  isSpanContextValid,
  trace,
} from '@opentelemetry/api';
import { reportOf } from '@bunnydb/failure';

export const TRACE_PARENT = 'traceparent';
/** A span with this attribute is recorded whatever the sampler would say. */
export const KEPT = 'bunny.kept';

/** `00-<trace>-<span>-<flags>`; undefined when nobody traces. */
export function formatTraceParent(span: SpanContext | undefined): string | undefined {
  if (span === undefined || !isSpanContextValid(span)) return undefined;
  const flags = (span.traceFlags & TraceFlags.SAMPLED) === 0 ? '00' : '01';
  return `00-${span.traceId}-${span.spanId}-${flags}`;
}

/** Reads a `traceparent`; what is none, is none. */
export function parseTraceParent(text: string | undefined): SpanContext | undefined {
  const [, traceId, spanId, flags] = text?.split('-') ?? [];
  if (traceId === undefined || spanId === undefined) return undefined;
  const span = {
    traceId,
    spanId,
    traceFlags: Number.parseInt(flags ?? '0', 16) & TraceFlags.SAMPLED,
    isRemote: true,
  };
  return isSpanContextValid(span) ? span : undefined;
}

/** The context that a span from elsewhere opens. */
export function contextOf(traceParent: string | undefined): Context {
  const span = parseTraceParent(traceParent);
  return span === undefined ? context.active() : trace.setSpanContext(context.active(), span);
}

/** What a message has to bear so that its receiver continues the present trace. */
export function activeTraceParent(): string | undefined {
  return formatTraceParent(trace.getSpanContext(context.active()));
}

/** For log lines: the present trace, if there is one. */
export function activeTraceId(): string | undefined {
  const active = context.active();
  const span = trace.getSpanContext(active);
  if (span !== undefined && isSpanContextValid(span)) return span.traceId;
  const logged = active.getValue(LOG_TRACE);
  return typeof logged === 'string' ? logged : undefined;
}

/** A context whose log lines bear the id of a trace that spans begun in it do not belong to. */
export function withLogTrace(traceId: string | undefined): Context {
  return context.active().setValue(LOG_TRACE, traceId);
}

const LOG_TRACE = createContextKey('bunny.log_trace');

/** Tells a failure by its kind; what servers say may quote rows and stays out of traces. */
export function markFailed(span: Span, error: unknown): void {
  const { kind } = reportOf(error);
  span.setAttribute('bunny.failure', kind);
  span.setStatus({ code: SpanStatusCode.ERROR, message: kind });
}

export interface TracedOptions {
  readonly tracer: string;
  readonly name: string;
  readonly parent: Context;
  readonly attributes: Attributes;
}

/**
 * Runs work in a span. If the trace is not recorded and the work fails, a span of it is told after the fact: failures are always kept.
 */
export async function inSpan<Result>(
  options: TracedOptions,
  work: (span: Span) => Promise<Result>,
): Promise<Result> {
  const tracer = trace.getTracer(options.tracer);
  const startTime = Date.now();
  const { attributes } = options;
  const span = tracer.startSpan(options.name, { attributes, startTime }, options.parent);
  try {
    return await context.with(trace.setSpan(options.parent, span), () => work(span));
  } catch (error) {
    if (span.isRecording()) markFailed(span, error);
    else tellFailure({ ...options, startTime }, error);
    throw error;
  } finally {
    span.end();
  }
}

/** A span of something that has failed, whatever the sampler decided about its trace. */
export function tellFailure(
  options: TracedOptions & { readonly startTime: number },
  error: unknown,
): void {
  const { name, startTime } = options;
  const attributes = { ...options.attributes, [KEPT]: true };
  const span = trace
    .getTracer(options.tracer)
    .startSpan(name, { attributes, startTime }, options.parent);
  markFailed(span, error);
  span.end();
}
