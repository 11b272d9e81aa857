import { type Attributes, type Context, type Link, type SpanKind, trace } from '@opentelemetry/api';
import type { Sampler, SamplingResult } from '@opentelemetry/sdk-trace';
import { KEPT } from '@bunnydb/messaging';

/** The words of OpenTelemetry, and one more: at most so many new traces a second. */
export const TRACE_SAMPLERS = [
  'always_on',
  'always_off',
  'traceidratio',
  'ratelimited',
  'parentbased_always_on',
  'parentbased_always_off',
  'parentbased_traceidratio',
  'parentbased_ratelimited',
] as const;
export type TraceSamplerName = (typeof TRACE_SAMPLERS)[number];

export interface SamplerSettings {
  readonly name: TraceSamplerName;
  /** A share from 0 to 1 for ratios, traces a second for limits. */
  readonly argument: number;
}

/** How the sampler of the environment is to be made; the argument that is missing is the usual one. */
export function samplerSettingsOf(
  name: TraceSamplerName,
  argument: string | undefined,
): SamplerSettings | undefined {
  const isLimit = name.endsWith('ratelimited');
  if (argument === undefined) return { name, argument: isLimit ? TRACES_PER_SECOND : 1 };
  const value = Number(argument);
  const max = isLimit ? TRACES_PER_SECOND_MAX : 1;
  return value >= 0 && value <= max ? { name, argument: value } : undefined;
}

/**
 * Decides once a trace whether it is recorded; what is not costs a few hundred nanoseconds a batch.
 *
 * - a span that bears `KEPT` is recorded whatever was decided: failures are told by such spans after the fact;
 * - `parentbased_…`: whoever continues a trace does as its beginner did;
 * - `ratelimited`: a quiet mirror is seen whole, and a busy one as often as anybody can look.
 */
export class TraceSampler implements Sampler {
  readonly #settings: SamplerSettings;
  readonly #nowMs: () => number;
  #tokens: number;
  #filledAtMs: number;

  constructor(settings: SamplerSettings, nowMs: () => number = () => performance.now()) {
    this.#settings = settings;
    this.#nowMs = nowMs;
    this.#tokens = this.#burst;
    this.#filledAtMs = nowMs();
  }

  shouldSample(
    context: Context,
    traceId: string,
    _name: string,
    _kind: SpanKind,
    attributes: Attributes,
    _links: Link[],
  ): SamplingResult {
    return this.#isSampled(context, traceId, attributes) ? SAMPLED : DROPPED;
  }

  toString(): string {
    return `TraceSampler{${this.#settings.name},${this.#settings.argument}}`;
  }

  #isSampled(context: Context, traceId: string, attributes: Attributes): boolean {
    if (attributes[KEPT] === true) return true;
    const { name } = this.#settings;
    const parent = trace.getSpanContext(context);
    if (parent && name.startsWith('parentbased_')) return (parent.traceFlags & 1) === 1;
    return this.#decide(name, traceId);
  }

  #decide(name: TraceSamplerName, traceId: string): boolean {
    switch (name) {
      case 'always_on':
      case 'parentbased_always_on':
        return true;
      case 'always_off':
      case 'parentbased_always_off':
        return false;
      case 'traceidratio':
      case 'parentbased_traceidratio':
        // The ids are random, so that their last 32 bits are as good as a die; every process decides alike.
        return Number.parseInt(traceId.slice(-8), 16) < this.#settings.argument * 2 ** 32;
      case 'ratelimited':
      case 'parentbased_ratelimited':
        return this.#take();
    }
  }

  get #burst(): number {
    return Math.max(1, this.#settings.argument);
  }

  #take(): boolean {
    const nowMs = this.#nowMs();
    const refill = ((nowMs - this.#filledAtMs) / 1_000) * this.#settings.argument;
    this.#filledAtMs = nowMs;
    this.#tokens = Math.min(this.#burst, this.#tokens + refill);
    if (this.#settings.argument === 0 || this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }
}

/** `SamplingDecision.RECORD_AND_SAMPLED` and `NOT_RECORD`: the SDK is loaded only when somebody traces. */
const SAMPLED: SamplingResult = { decision: 2 };
const DROPPED: SamplingResult = { decision: 0 };
const TRACES_PER_SECOND = 10;
const TRACES_PER_SECOND_MAX = 100_000;
