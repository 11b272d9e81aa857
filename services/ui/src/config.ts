import { fileURLToPath } from 'node:url';

export interface ConsoleConfig {
  readonly port: number;
  readonly host: string;
  /** The gateway, seen from this process; without a slash at the end. */
  readonly apiUrl: string;
  /** The built console. */
  readonly assets: string;
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
    isSecure: environment['BUNNY_UI_SECURE'] === 'true',
  };
}

function portOf(name: string, text: string): number {
  const port = Number(text);
  // 0 lets the system choose, which tests want.
  if (Number.isInteger(port) && port >= 0 && port <= 65_535) return port;
  throw new RangeError(`${name} must be a port number`);
}

function urlOf(name: string, text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol === 'http:' || url?.protocol === 'https:') return url.href.replace(/\/+$/, '');
  throw new RangeError(`${name} must be an http or https URL, such as http://127.0.0.1:8112`);
}
