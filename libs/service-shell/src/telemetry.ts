import { context, diag, trace } from '@opentelemetry/api';
import { type SamplerSettings, TraceSampler } from './trace-sampler.js';

export interface Telemetry {
  shutdown(): Promise<void>;
}

export interface TelemetryOptions {
  /** None: nothing is traced. */
  readonly endpoint: string | undefined;
  readonly sampler: SamplerSettings;
  readonly service: string;
  readonly instance: string;
  readonly version: string;
}

/** Sends traces to an OTLP collector. The SDK is loaded only when an endpoint is set: it costs start time and memory. */
export async function startTelemetry(options: TelemetryOptions): Promise<Telemetry> {
  const { endpoint, service, instance, version } = options;
  if (endpoint === undefined) {
    return { shutdown: () => Promise.resolve() };
  }
  const [
    sdk,
    { OTLPTraceExporter },
    { resourceFromAttributes },
    { AsyncLocalStorageContextManager },
  ] = await Promise.all([
    import('@opentelemetry/sdk-trace'),
    import('@opentelemetry/exporter-trace-otlp-http'),
    import('@opentelemetry/resources'),
    import('@opentelemetry/context-async-hooks'),
  ]);
  const exporter = new OTLPTraceExporter({ url: `${endpoint.replace(/\/$/, '')}/v1/traces` });
  const provider = new sdk.TracerProvider({
    resource: resourceFromAttributes({
      'service.name': `bunnydb-${service}`,
      'service.version': version,
      'service.instance.id': instance,
    }),
    sampler: new TraceSampler(options.sampler),
    // More than the queue holds is dropped: traces never hold a mirror up.
    spanProcessors: [
      new sdk.BatchSpanProcessor({ exporter, scheduledDelayMillis: EXPORT_EVERY_MS }),
    ],
  });
  trace.setGlobalTracerProvider(provider);
  const contexts = new AsyncLocalStorageContextManager();
  context.setGlobalContextManager(contexts.enable());
  return {
    shutdown: async () => {
      contexts.disable();
      await provider.shutdown();
      trace.disable();
      context.disable();
      diag.disable();
    },
  };
}

const EXPORT_EVERY_MS = 1_000;
