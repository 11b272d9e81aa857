import { ROOT_CONTEXT, SpanKind, trace } from '@opentelemetry/api';
import { describe, expect, it } from 'vitest';
import { KEPT } from '@bunnydb/messaging';
import { InvalidEnvironment, readEnvironment } from '../src/environment.js';
import { SHELL_SETTINGS } from '../src/shell-settings.js';
import { TraceSampler, samplerSettingsOf } from '../src/trace-sampler.js';

const TRACE = '0af7651916cd43dd8448eb211c80319c';

function sampled(
  sampler: TraceSampler,
  options: { readonly parentFlags?: number; readonly trace?: string; readonly kept?: true } = {},
): boolean {
  const { parentFlags, trace: traceId = TRACE, kept } = options;
  const context =
    parentFlags === undefined
      ? ROOT_CONTEXT
      : trace.setSpanContext(ROOT_CONTEXT, {
          traceId,
          spanId: 'b7ad6b7169203331',
          traceFlags: parentFlags,
        });
  const attributes = kept ? { [KEPT]: true } : {};
  return (
    sampler.shouldSample(context, traceId, 'x', SpanKind.INTERNAL, attributes, []).decision === 2
  );
}

describe('the trace sampler', () => {
  it('records at most so many new traces a second, and all of a quiet mirror', () => {
    let nowMs = 0;
    const sampler = new TraceSampler(
      { name: 'parentbased_ratelimited', argument: 10 },
      () => nowMs,
    );
    const atOnce = Array.from({ length: 1_000 }, () => sampled(sampler)).filter(Boolean).length;
    expect(atOnce).toBe(10);
    let recorded = 0;
    for (; nowMs < 10_000; nowMs += 1) recorded += sampled(sampler) ? 1 : 0;
    expect(recorded).toBeGreaterThanOrEqual(98);
    expect(recorded).toBeLessThanOrEqual(101);
    for (let second = 0; second < 20; second += 1) {
      nowMs += 1_000;
      expect(sampled(sampler)).toBe(true);
    }
  });

  it('continues a trace as its beginner decided', () => {
    const off = new TraceSampler({ name: 'parentbased_always_off', argument: 1 });
    const on = new TraceSampler({ name: 'parentbased_always_on', argument: 1 });
    expect(sampled(off, { parentFlags: 1 })).toBe(true);
    expect(sampled(on, { parentFlags: 0 })).toBe(false);
    expect([sampled(off), sampled(on)]).toEqual([false, true]);
  });

  it('keeps a failure whatever was decided', () => {
    const sampler = new TraceSampler({ name: 'parentbased_always_off', argument: 1 });
    expect(sampled(sampler, { kept: true })).toBe(true);
    expect(sampled(sampler, { kept: true, parentFlags: 0 })).toBe(true);
  });

  it('a ratio decides by the trace id, alike in every process', () => {
    const half = new TraceSampler({ name: 'traceidratio', argument: 0.5 });
    expect(sampled(half, { trace: `${TRACE.slice(0, -8)}00000001` })).toBe(true);
    expect(sampled(half, { trace: `${TRACE.slice(0, -8)}ffffffff` })).toBe(false);
  });

  it('an argument that fits no sampler is refused at the start', () => {
    expect(samplerSettingsOf('traceidratio', '1.5')).toBeUndefined();
    expect(samplerSettingsOf('ratelimited', 'many')).toBeUndefined();
    expect(samplerSettingsOf('ratelimited', '1.5')).toEqual({ name: 'ratelimited', argument: 1.5 });
    expect(() =>
      readEnvironment(
        { OTEL_TRACES_SAMPLER: 'traceidratio', OTEL_TRACES_SAMPLER_ARG: 'x' },
        SHELL_SETTINGS,
      ),
    ).toThrow(InvalidEnvironment);
  });
});
