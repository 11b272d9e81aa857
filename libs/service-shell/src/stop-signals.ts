import type { ServiceLog } from './create-log.js';

const SIGNALS = ['SIGTERM', 'SIGINT'] as const;

/**
 * Aborts the controller at the first SIGTERM or SIGINT; a second one ends the process at once.
 *
 * @returns how to take the listeners away again.
 */
export function listenForStop(stopping: AbortController, log: ServiceLog): () => void {
  const listener = (signal: NodeJS.Signals): void => {
    if (stopping.signal.aborted) {
      log.warn({ signal }, 'a second signal ends the process at once');
      process.exit(130);
    }
    log.info({ signal }, 'stopping');
    stopping.abort();
  };
  for (const signal of SIGNALS) {
    process.on(signal, listener);
  }
  return () => {
    for (const signal of SIGNALS) {
      process.removeListener(signal, listener);
    }
  };
}
