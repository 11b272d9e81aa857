/** A header that only scripts of this origin can set without asking first. */
export const CONSOLE_HEADER = 'x-bunny-console';

/** Request headers that the gateway gets to see; the token is added, never taken from the browser. */
const PASSED_ON: ReadonlySet<string> = new Set([
  'accept',
  'content-type',
  'idempotency-key',
  'last-event-id',
  'x-request-id',
]);
/** Answer headers that the browser gets to see. */
const PASSED_BACK: ReadonlySet<string> = new Set([
  'content-type',
  'cache-control',
  'location',
  'retry-after',
  'x-request-id',
]);

type Headers = Readonly<Record<string, string | readonly string[] | undefined>>;

/** Whether a request that changes something comes from the console's own pages. */
export function isFromConsole(method: string, headers: Headers): boolean {
  if (method === 'GET' || method === 'HEAD') return true;
  const origin = headers['origin'];
  const isSameSite =
    headers['sec-fetch-site'] === undefined || headers['sec-fetch-site'] === 'same-origin';
  const isSameOrigin =
    origin === undefined || (typeof origin === 'string' && hostOf(origin) === headers['host']);
  return headers[CONSOLE_HEADER] === '1' && isSameSite && isSameOrigin;
}

export function headersToPassOn(headers: Headers): Record<string, string> {
  return pick(headers, PASSED_ON);
}

export function headersToPassBack(headers: Headers): Record<string, string> {
  return pick(headers, PASSED_BACK);
}

function pick(headers: Headers, names: ReadonlySet<string>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) =>
      names.has(name) && typeof value === 'string' ? [[name, value]] : [],
    ),
  );
}

function hostOf(origin: string): string | undefined {
  return URL.canParse(origin) ? new URL(origin).host : undefined;
}
