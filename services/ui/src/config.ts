import type { BlockList } from 'node:net';
import { fileURLToPath } from 'node:url';
import { parseProxies } from './shell/forwarded-for.js';

export interface ConsoleConfig {
  readonly port: number;
  readonly host: string;
  /** The gateway, seen from this process; without a slash at the end. */
  readonly apiUrl: string;
  /** The built console. */
  readonly assets: string;
  /** Proxies before the console, whose word on the client's address counts; the gateway has to trust the console for it. */
  readonly trustedProxies: BlockList;
  /** Whether browsers reach us over TLS, so that the session's cookie is for TLS only. */
  readonly isSecure: boolean;
}

/**
 * Reads the environment, once.
 *
 * @throws RangeError with a sentence that names the variable.
 */
export function readConfig(
  environment: Readonly<Record<string, string | undefined>>,
): ConsoleConfig {
  return {
    port: portOf('BUNNY_UI_PORT', environment['BUNNY_UI_PORT'] ?? '3000'),
    host: environment['BUNNY_UI_HOST'] ?? '0.0.0.0',
    apiUrl: urlOf('BUNNY_API_URL', environment['BUNNY_API_URL'] ?? 'http://127.0.0.1:8112'),
    assets: environment['BUNNY_UI_ASSETS'] ?? fileURLToPath(new URL('./console', import.meta.url)),
    trustedProxies: proxiesOf('BUNNY_TRUSTED_PROXIES', environment['BUNNY_TRUSTED_PROXIES'] ?? ''),
    isSecure: environment['BUNNY_UI_SECURE'] === 'true',
  };
}

function portOf(name: string, text: string): number {
  const port = Number(text);
  // 0 lets the system choose, which tests want.
  if (Number.isInteger(port) && port >= 0 && port <= 65_535) return port;
  throw new RangeError(`${name} must be a port number`);
}

function proxiesOf(name: string, text: string): BlockList {
  const proxies = parseProxies(text);
  if (proxies) return proxies;
  throw new RangeError(
    `${name} must be addresses, ranges like 10.0.0.0/8, or loopback, linklocal, uniquelocal`,
  );
}

function urlOf(name: string, text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol === 'http:' || url?.protocol === 'https:') return url.href.replace(/\/+$/, '');
  throw new RangeError(`${name} must be an http or https URL, such as http://127.0.0.1:8112`);
}
