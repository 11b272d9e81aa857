import pg from 'pg';
import { type CatalogSettings, clientConfig } from './open-catalog.js';

/** The channel on which an append tells that there is something new. */
export const EVENT_CHANNEL = 'bunny_events';

const RECONNECT_DELAY_MS = 1_000;

export interface EventBell {
  readonly close: () => Promise<void>;
}

/**
 * Rings whenever something was appended, by this process or another: one session that listens. A ring is only a hint
 * (rings made while the session is away are lost, so it rings once after every connect); the reader reads on from its position.
 */
export function listenForEvents(settings: CatalogSettings, onRing: () => void): EventBell {
  let client: pg.Client | undefined;
  let timer: NodeJS.Timeout | undefined;
  let closed = false;

  const reconnectLater = (broken: pg.Client): void => {
    if (client !== broken || closed) return;
    client = undefined;
    timer = setTimeout(connect, RECONNECT_DELAY_MS);
  };

  function connect(): void {
    const fresh = new pg.Client(clientConfig(settings));
    client = fresh;
    fresh.on('error', () => reconnectLater(fresh));
    fresh.on('end', () => reconnectLater(fresh));
    fresh.on('notification', onRing);
    fresh
      .connect()
      .then(() => fresh.query(`listen ${EVENT_CHANNEL}`))
      .then(onRing, () => reconnectLater(fresh));
  }

  connect();
  return {
    close: async () => {
      closed = true;
      clearTimeout(timer);
      await client?.end().catch(() => undefined);
    },
  };
}
