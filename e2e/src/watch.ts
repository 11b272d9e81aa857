import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';

export interface Watch {
  /** Looks no more. @throws what a look threw. */
  stop(): Promise<void>;
}

/** Looks at a database again and again, through a session of its own, while a test does something else. */
export async function startWatch(
  connectionString: string,
  intervalMs: number,
  look: (client: pg.Client) => Promise<void>,
): Promise<Watch> {
  const client = new pg.Client({ connectionString, application_name: 'testkit' });
  // A look that is under way fails with it.
  client.on('error', () => undefined);
  await client.connect();
  const stopping = new AbortController();
  const loop = (async () => {
    while (!stopping.signal.aborted) {
      await look(client);
      await delay(intervalMs, undefined, { signal: stopping.signal }).catch(() => undefined);
    }
  })();
  loop.catch(() => undefined);
  let stopped: Promise<void> | undefined;
  return {
    stop() {
      stopping.abort();
      stopped ??= loop.finally(() => client.end());
      return stopped;
    },
  };
}
