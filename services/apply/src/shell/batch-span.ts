import { type Link, type Span, isSpanContextValid, trace } from '@opentelemetry/api';
import type { Batch } from '../core/batch-assembly.js';
import type { WriteMode } from './table-writer.js';

/** Opens the span of a destination transaction, linked to the batches it applies. Costs next to nothing when nobody traces. */
export function startBatchSpan(batches: readonly Batch[], mode: WriteMode): Span {
  return trace.getTracer('bunnydb.apply').startSpan('apply batches', {
    links: batches.slice(0, LINKS_MAX).flatMap(linkTo),
    attributes: {
      'bunny.mode': mode,
      'bunny.batches': batches.length,
      'bunny.changes': batches.reduce((sum, batch) => sum + batch.commit.head.changes, 0),
      'bunny.bytes': batches.reduce((sum, batch) => sum + batch.bytes, 0),
    },
  });
}

/** Reads W3C's `00-<trace>-<span>-<flags>`. */
function linkTo(batch: Batch): Link[] {
  const [, traceId, spanId, flags] = batch.commit.traceParent.split('-');
  if (traceId === undefined || spanId === undefined) return [];
  const context = {
    traceId,
    spanId,
    traceFlags: Number.parseInt(flags ?? '0', 16) || 0,
    isRemote: true,
  };
  return isSpanContextValid(context) ? [{ context }] : [];
}

const LINKS_MAX = 16;
