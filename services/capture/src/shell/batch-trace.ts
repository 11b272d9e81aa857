import { type Span, TraceFlags, isSpanContextValid, trace } from '@opentelemetry/api';
import type { BatchTrace } from '../core/batch-assembler.js';

/** Opens a span per batch when something records traces; the applier goes on with it by `traceparent`. */
export function startBatchTrace(mirrorName: string, batch: string): BatchTrace | undefined {
  const span = trace.getTracer('bunnydb-capture').startSpan('capture.batch', {
    attributes: { 'bunny.mirror': mirrorName, 'bunny.batch': batch },
  });
  if (!isSpanContextValid(span.spanContext())) return undefined;
  return {
    traceParent: traceParentOf(span),
    end: (facts) => {
      span.setAttributes({
        'bunny.changes': facts.changes,
        'bunny.transactions': facts.transactions,
      });
      span.end();
    },
  };
}

/** W3C trace context. */
function traceParentOf(span: Span): string {
  const { traceId, spanId, traceFlags } = span.spanContext();
  const sampled = (traceFlags & TraceFlags.SAMPLED) === 0 ? '00' : '01';
  return `00-${traceId}-${spanId}-${sampled}`;
}
