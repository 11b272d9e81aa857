import type { IncomingMessage, ServerResponse } from 'node:http';
import { METRICS, type MetricName, type MetricSample } from '@bunnydb/contracts';
import type { HrTime } from '@opentelemetry/api';
import type * as Sdk from '@opentelemetry/sdk-metrics';
import type { MetricBoard } from './metric-board.js';

/** Answers `GET /metrics`. */
export interface MetricExposition {
  readonly answer: (request: IncomingMessage, response: ServerResponse) => void;
  shutdown(): Promise<void>;
}

export interface MetricIdentity {
  readonly service: string;
  readonly instance: string;
  readonly version: string;
}

/**
 * Tells a board in Prometheus' words through OpenTelemetry's exporter. The board is a metric producer of its own rather than a set of
 * observable instruments, because those go on telling the last number of a mirror that this process no longer has.
 */
export async function openExposition(
  board: MetricBoard,
  identity: MetricIdentity,
): Promise<MetricExposition> {
  const [sdk, { PrometheusExporter }, { resourceFromAttributes }] = await Promise.all([
    import('@opentelemetry/sdk-metrics'),
    import('@opentelemetry/exporter-prometheus'),
    import('@opentelemetry/resources'),
  ]);
  const resource = resourceFromAttributes({
    'service.name': `bunnydb-${identity.service}`,
    'service.version': identity.version,
    'service.instance.id': identity.instance,
  });
  const startedAt = hrTime(Date.now());
  const producer: Sdk.MetricProducer = {
    async collect() {
      const metrics = metricData(sdk, await board.collect(), startedAt, hrTime(Date.now()));
      const scopeMetrics = [{ scope: { name: 'bunnydb' }, metrics }];
      return { resourceMetrics: { resource, scopeMetrics }, errors: [] };
    },
  };
  const exporter = new PrometheusExporter({
    preventServerStart: true,
    metricProducers: [producer],
    withoutScopeInfo: true,
  });
  const provider = new sdk.MeterProvider({ resource, readers: [exporter] });
  return {
    answer: (request, response) => exporter.getMetricsRequestHandler(request, response),
    shutdown: () => provider.shutdown(),
  };
}

function metricData(
  sdk: typeof Sdk,
  samples: readonly MetricSample[],
  startTime: HrTime,
  endTime: HrTime,
): Sdk.MetricData[] {
  const byName = new Map<MetricName, MetricSample[]>();
  for (const sample of samples) {
    const known = byName.get(sample.name);
    if (known) known.push(sample);
    else byName.set(sample.name, [sample]);
  }
  return [...byName].map(([name, own]) => {
    const { kind, unit, help } = METRICS[name];
    const common = {
      descriptor: {
        name,
        description: help,
        // Names bear their units already; told here too, the exporter would not add them a second time, but readers see both.
        unit,
        valueType: 1,
      },
      aggregationTemporality: sdk.AggregationTemporality.CUMULATIVE,
    };
    const times = { startTime, endTime };
    if (kind === 'histogram') {
      return {
        ...common,
        dataPointType: sdk.DataPointType.HISTOGRAM,
        dataPoints: own.flatMap((sample) =>
          'distribution' in sample
            ? [{ ...times, attributes: sample.labels, value: histogramOf(sample.distribution) }]
            : [],
        ),
      };
    }
    const dataPoints = own.flatMap((sample) =>
      'distribution' in sample
        ? []
        : [{ ...times, attributes: sample.labels, value: sample.value }],
    );
    return kind === 'counter'
      ? { ...common, dataPointType: sdk.DataPointType.SUM, isMonotonic: true, dataPoints }
      : { ...common, dataPointType: sdk.DataPointType.GAUGE, dataPoints };
  });
}

function histogramOf({
  bounds,
  counts,
  sum,
}: Extract<MetricSample, { distribution: object }>['distribution']) {
  return {
    buckets: { boundaries: [...bounds], counts: [...counts] },
    sum,
    count: counts.reduce((total, count) => total + count, 0),
  };
}

function hrTime(ms: number): HrTime {
  return [Math.floor(ms / 1000), (ms % 1000) * 1e6];
}
