import { setTimeout as delay } from 'node:timers/promises';
import type { ApiClient } from './api-client.js';
import { type MirrorView, parseMirror } from './mirror-view.js';
import { byteWords, countWords, durationWords } from './number-words.js';
import type { Screen } from './screen.js';
import { RateMeter } from './watch-copy.js';

const INTERVAL_MS = 1_000;

export interface LiveOptions {
  readonly api: ApiClient;
  readonly name: string;
  readonly screen: Screen;
  readonly signal: AbortSignal;
  /** How many transactions the demo's writers have committed; absent for databases of one's own. */
  readonly committed?: () => number;
}

/** Shows the lag and the rates of a running mirror until the signal; says once what goes wrong, and once that it is over. */
export async function watchLive(options: LiveOptions): Promise<void> {
  const { api, name, screen, signal, committed } = options;
  const written = new RateMeter();
  if (committed !== undefined) written.add(committed(), performance.now());
  let trouble: string | undefined;
  const report = (now: string | undefined): void => {
    if (now === trouble) return;
    screen.say(now === undefined ? `${name} runs again` : `! ${name}: ${now}`);
    trouble = now;
  };
  while (!signal.aborted) {
    try {
      const mirror = parseMirror(await api.get(`/v1/mirrors/${name}`));
      report(mirror.status === 'error' ? (mirror.errorMessage ?? 'error') : undefined);
      if (committed !== undefined) written.add(committed(), performance.now());
      const line = liveLine(name, mirror, committed === undefined ? undefined : written.perSecond);
      screen.show([line], line);
    } catch {
      if (!signal.aborted) report('the gateway does not answer');
    }
    await delay(INTERVAL_MS, undefined, { signal }).catch(() => undefined);
  }
}

/** `shop: running   lag 12 ms, 0 B   1,204 rows/s   writers 101 tx/s`. */
export function liveLine(
  name: string,
  mirror: MirrorView,
  writersPerSecond: number | undefined,
): string {
  const lag = [
    mirror.lagSeconds === null ? '' : durationWords(mirror.lagSeconds),
    mirror.lagBytes === null ? '' : byteWords(mirror.lagBytes),
  ].filter((part) => part !== '');
  return [
    `${name}: ${mirror.status}`,
    lag.length === 0 ? 'lag unknown' : `lag ${lag.join(', ')}`,
    ...(mirror.rowsPerSecond === null ? [] : [`${countWords(mirror.rowsPerSecond)} rows/s`]),
    ...(writersPerSecond === undefined ? [] : [`writers ${countWords(writersPerSecond)} tx/s`]),
  ].join('   ');
}
