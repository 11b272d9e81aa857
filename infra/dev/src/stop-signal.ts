import type { Screen } from './screen.js';

/** One Ctrl-C can arrive twice, from the terminal and from npm, which passes it on. */
const SAME_SIGNAL_MS = 1_000;
const KILLED_EXIT_CODE = 130;

/** Aborts at the first Ctrl-C (or SIGTERM, SIGHUP); a second one ends the process at once, and with it, by the guardian, all that it started. */
export function stopSignal(screen: Screen): AbortSignal {
  const controller = new AbortController();
  let firstMs: number | undefined;
  const handle = (): void => {
    const now = performance.now();
    if (firstMs === undefined) {
      firstMs = now;
      screen.close();
      screen.say('stopping; Ctrl-C again ends everything at once');
      controller.abort();
    } else if (now - firstMs > SAME_SIGNAL_MS) {
      process.exit(KILLED_EXIT_CODE);
    }
  };
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, handle);
  return controller.signal;
}
