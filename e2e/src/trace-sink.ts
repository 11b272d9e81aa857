import { type Server, createServer } from 'node:http';
import { gunzipSync } from 'node:zlib';

/** Takes what services export by OTLP over HTTP, and keeps it as text. */
export class TraceSink {
  readonly #server: Server;
  readonly #bodies: string[] = [];

  private constructor() {
    this.#server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const body = Buffer.concat(chunks);
        const isZipped = request.headers['content-encoding'] === 'gzip';
        this.#bodies.push((isZipped ? gunzipSync(body) : body).toString('utf8'));
        response.setHeader('content-type', 'application/json').end('{}');
      });
    });
  }

  static async start(): Promise<TraceSink> {
    const sink = new TraceSink();
    await new Promise<void>((resolve) => sink.#server.listen(0, '127.0.0.1', resolve));
    return sink;
  }

  get url(): string {
    const address = this.#server.address();
    if (address === null || typeof address === 'string') throw new Error('the sink has no port');
    return `http://127.0.0.1:${address.port}`;
  }

  /** The spans' names, attributes and events stand in it as they are: UTF-8 in both encodings of OTLP. */
  text(): string {
    return this.#bodies.join('\n');
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
