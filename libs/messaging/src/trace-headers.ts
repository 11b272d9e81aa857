import { type MsgHdrs, headers } from '@nats-io/transport-node';
import { TRACE_PARENT, activeTraceParent } from './trace-context.js';

/** Whoever gets the message continues the present trace. */
export function traceHeaders(): MsgHdrs | undefined {
  const traceParent = activeTraceParent();
  if (traceParent === undefined) return undefined;
  const traced = headers();
  traced.set(TRACE_PARENT, traceParent);
  return traced;
}
