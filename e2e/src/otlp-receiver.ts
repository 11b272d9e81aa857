import { type IncomingMessage, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A span as it was exported, its attributes as plain values. */
export interface ExportedSpan {
  readonly service: string;
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  /** Empty for the first of a trace. */
  readonly parentSpanId: string;
  readonly startMs: number;
  readonly endMs: number;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly events: readonly {
    readonly name: string;
    readonly attributes: Readonly<Record<string, unknown>>;
  }[];
  readonly linkedSpanIds: readonly string[];
  readonly isError: boolean;
}

/** Takes traces over OTLP/HTTP, as a collector does. */
export class OtlpReceiver {
  readonly spans: ExportedSpan[] = [];
  readonly #server = createServer((request, response) => {
    void textOf(request).then((text) => {
      if (request.url === '/v1/traces' && request.method === 'POST')
        this.spans.push(...spansOf(JSON.parse(text) as TraceRequest));
      response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
    });
  });

  async open(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    const { port } = this.#server.address() as AddressInfo;
    return `http://127.0.0.1:${port}`;
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  traceOf(span: Pick<ExportedSpan, 'traceId'>): readonly ExportedSpan[] {
    return this.spans.filter(({ traceId }) => traceId === span.traceId);
  }
}

/** OTLP's JSON, as far as it is read. */
interface TraceRequest {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: readonly Attribute[] };
    readonly scopeSpans: readonly { readonly spans: readonly WireSpan[] }[];
  }[];
}
interface Attribute {
  readonly key: string;
  readonly value: Readonly<Record<string, unknown>>;
}
interface WireSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes?: readonly Attribute[];
  readonly events?: readonly {
    readonly name: string;
    readonly attributes?: readonly Attribute[];
  }[];
  readonly links?: readonly { readonly spanId: string }[];
  readonly status?: { readonly code?: number };
}

function spansOf({ resourceSpans }: TraceRequest): ExportedSpan[] {
  return resourceSpans.flatMap(({ resource, scopeSpans }) => {
    const service = String(plain(resource.attributes)['service.name']);
    return scopeSpans.flatMap(({ spans }) => spans.map((span) => exported(service, span)));
  });
}

function exported(service: string, span: WireSpan): ExportedSpan {
  return {
    service,
    name: span.name,
    traceId: span.traceId,
    spanId: span.spanId,
    parentSpanId: span.parentSpanId ?? '',
    startMs: Number(span.startTimeUnixNano) / 1e6,
    endMs: Number(span.endTimeUnixNano) / 1e6,
    attributes: plain(span.attributes),
    events: (span.events ?? []).map(({ name, attributes }) => ({
      name,
      attributes: plain(attributes),
    })),
    linkedSpanIds: (span.links ?? []).map(({ spanId }) => spanId),
    isError: span.status?.code === 2,
  };
}

function plain(attributes: readonly Attribute[] = []): Record<string, unknown> {
  return Object.fromEntries(
    attributes.map(({ key, value }) => {
      const [kind, inner] = Object.entries(value)[0] ?? ['', undefined];
      return [key, kind === 'intValue' ? Number(inner) : inner];
    }),
  );
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(Buffer.from(chunk as Uint8Array));
  return Buffer.concat(chunks).toString('utf8');
}
