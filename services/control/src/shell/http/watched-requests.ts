import { type Attributes, SpanKind, SpanStatusCode, context, trace } from '@opentelemetry/api';
import type { NextFunction, Request, Response } from 'express';
import type { MetricSample } from '@bunnydb/contracts';
import { KEPT, TRACE_PARENT, contextOf } from '@bunnydb/messaging';
import { SECONDS_BOUNDS, ValueBuckets } from '@bunnydb/service-shell';

/** Traces and counts the requests to the gateway. What a request sets in motion continues its trace. */
export class WatchedRequests {
  readonly #counts = new Map<string, number>();
  readonly #seconds = new Map<string, ValueBuckets>();

  /** Numbers for `/metrics`. */
  readonly samples = (): MetricSample[] => [
    ...[...this.#counts].map(([key, value]): MetricSample => {
      const [method = '', code = ''] = key.split(' ');
      return { name: 'bunny_http_requests_total', labels: { method, code }, value };
    }),
    ...[...this.#seconds].map(([method, { distribution }]): MetricSample => ({
      name: 'bunny_http_request_seconds',
      labels: { method },
      distribution,
    })),
  ];

  /** Goes before every route. */
  readonly middleware = (request: Request, response: Response, next: NextFunction): void => {
    const startedMs = performance.now();
    const startTime = Date.now();
    const method = METHODS.has(request.method) ? request.method : 'other';
    const parent = contextOf(request.header(TRACE_PARENT));
    const tracer = trace.getTracer(TRACER);
    const kind = SpanKind.SERVER;
    const span = tracer.startSpan(method, { kind, startTime }, parent);
    response.once('close', () => {
      const route = routeOf(request);
      const facts: Attributes = {
        'http.request.method': method,
        'http.route': route,
        'http.response.status_code': response.statusCode,
      };
      const isFailure = response.statusCode >= 500;
      // A trace that is not recorded is told after the fact when it went wrong.
      const told =
        isFailure && !span.isRecording()
          ? tracer.startSpan(method, { kind, startTime, attributes: { [KEPT]: true } }, parent)
          : span;
      told.updateName(`${method} ${route}`);
      told.setAttributes(facts);
      if (isFailure) told.setStatus({ code: SpanStatusCode.ERROR });
      told.end();
      this.#count(method, response, (performance.now() - startedMs) / 1_000);
    });
    context.with(trace.setSpan(parent, span), next);
  };

  #count(method: string, response: Response, seconds: number): void {
    const key = `${method} ${Math.floor(response.statusCode / 100)}xx`;
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1);
    // An event stream lasts as long as somebody looks.
    if (String(response.getHeader('content-type')).startsWith('text/event-stream')) return;
    const buckets = this.#seconds.get(method) ?? new ValueBuckets(SECONDS_BOUNDS);
    buckets.add(seconds);
    this.#seconds.set(method, buckets);
  }
}

/** The route's pattern, never the path itself: names of mirrors would make every span another. */
function routeOf(request: Request): string {
  const route: unknown = request.route;
  if (typeof route === 'object' && route !== null && 'path' in route) return String(route.path);
  return 'unmatched';
}

const TRACER = 'bunnydb.control';
const METHODS: ReadonlySet<string> = new Set([
  'GET',
  'POST',
  'PUT',
  'PATCH',
  'DELETE',
  'OPTIONS',
  'HEAD',
]);
