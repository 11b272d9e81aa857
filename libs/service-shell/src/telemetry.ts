export interface Telemetry {
  shutdown(): Promise<void>;
}

/** Sends traces to an OTLP collector. The SDK is loaded only when an endpoint is set: it costs start time and memory. */
export async function startTelemetry(
  endpoint: string | undefined,
  service: string,
  version: string,
): Promise<Telemetry> {
  if (endpoint === undefined) {
    return { shutdown: () => Promise.resolve() };
  }
  const [{ NodeSDK }, { OTLPTraceExporter }, { resourceFromAttributes }] = await Promise.all([
    import('@opentelemetry/sdk-node'),
    import('@opentelemetry/exporter-trace-otlp-http'),
    import('@opentelemetry/resources'),
  ]);
  const sdk = new NodeSDK({
    resource: resourceFromAttributes({
      'service.name': `bunnydb-${service}`,
      'service.version': version,
    }),
    traceExporter: new OTLPTraceExporter({ url: `${endpoint.replace(/\/$/, '')}/v1/traces` }),
  });
  sdk.start();
  return { shutdown: () => sdk.shutdown() };
}
