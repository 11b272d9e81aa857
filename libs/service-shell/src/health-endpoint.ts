import { type IncomingMessage, type ServerResponse, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Which things the service depends on, and whether each is there. */
export type Readiness = Readonly<Record<string, boolean>>;

export interface HealthEndpoint {
  readonly port: number;
  close(): Promise<void>;
}

export interface HealthOptions {
  readonly port: number;
  readonly readiness: () => Readiness | Promise<Readiness>;
  /** Names of loops that do not turn any more. */
  readonly stuck?: () => readonly string[];
  /** Answers `GET /metrics`. */
  readonly metrics?: (request: IncomingMessage, response: ServerResponse) => void;
}

/**
 * `GET /health`: the process answers and no loop is stuck, else 503 (start it anew); `GET /ready`: 200 or 503 with each
 * dependency; `GET /metrics`: numbers for Prometheus.
 */
export async function openHealthEndpoint(options: HealthOptions): Promise<HealthEndpoint> {
  const server = createServer((request, response) => {
    if (options.metrics && request.url?.split('?')[0] === '/metrics') {
      options.metrics(request, response);
      return;
    }
    void answer(request.url ?? '/', options).then(({ status, body }) => {
      response.writeHead(status, {
        'content-type': 'application/json',
        'cache-control': 'no-store',
      });
      response.end(JSON.stringify(body));
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ port: options.port, host: '0.0.0.0' }, resolve);
  });
  const address = server.address();
  return {
    port: isAddress(address) ? address.port : options.port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function answer(
  url: string,
  options: HealthOptions,
): Promise<{ readonly status: number; readonly body: unknown }> {
  switch (url.split('?')[0]) {
    case '/health': {
      const stuck = options.stuck?.() ?? [];
      return stuck.length === 0
        ? { status: 200, body: { status: 'ok' } }
        : { status: 503, body: { status: 'stuck', loops: stuck } };
    }
    case '/ready': {
      const dependencies = await Promise.resolve(options.readiness()).catch(() => ({
        readiness: false,
      }));
      const ready = Object.values(dependencies).every(Boolean);
      return {
        status: ready ? 200 : 503,
        body: { status: ready ? 'ready' : 'not_ready', dependencies },
      };
    }
    default:
      return { status: 404, body: { status: 'not_found' } };
  }
}

function isAddress(address: AddressInfo | string | null): address is AddressInfo {
  return address !== null && typeof address === 'object';
}
