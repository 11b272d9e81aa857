import { type IntervalHistogram, monitorEventLoopDelay } from 'node:perf_hooks';
import type { MetricSample } from '@bunnydb/contracts';
import type { MetricSource } from './metric-board.js';

/** Memory, processor time and how late the event loop is. */
export function processSource(): MetricSource {
  const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  delay.enable();
  const startedAt = Math.round(Date.now() / 1000 - process.uptime());
  return () => [...delaySamples(delay), ...memorySamples(), cpuSample(), startSample(startedAt)];
}

function delaySamples(delay: IntervalHistogram): MetricSample[] {
  // The timer that measures is itself due only every `RESOLUTION_MS`; what is beyond that is delay.
  const seconds = (nanos: number): number => Math.max(0, nanos / 1e9 - RESOLUTION_MS / 1e3);
  const samples = Object.entries({ p50: 50, p99: 99, max: 100 }).map(
    ([stat, percentile]): MetricSample => ({
      name: 'bunny_event_loop_delay_seconds',
      labels: { stat },
      value: seconds(delay.percentile(percentile)),
    }),
  );
  delay.reset();
  return samples;
}

function memorySamples(): MetricSample[] {
  const { rss, heapUsed, external } = process.memoryUsage();
  return [
    { name: 'bunny_process_resident_memory_bytes', labels: {}, value: rss },
    { name: 'bunny_process_heap_used_bytes', labels: {}, value: heapUsed },
    { name: 'bunny_process_external_memory_bytes', labels: {}, value: external },
  ];
}

function cpuSample(): MetricSample {
  const { user, system } = process.cpuUsage();
  return { name: 'bunny_process_cpu_seconds_total', labels: {}, value: (user + system) / 1e6 };
}

function startSample(value: number): MetricSample {
  return { name: 'bunny_process_start_time_seconds', labels: {}, value };
}

const RESOLUTION_MS = 20;
