import { ALL_HEARTBEATS, type Heartbeat, type ServiceName } from '@bunnydb/contracts';
import type { Messaging, Stop } from '@bunnydb/messaging';

/** Heartbeats come every two seconds; a service that missed several is not there. */
const FRESH_MS = 10_000;

interface Seen {
  readonly heartbeat: Heartbeat;
  readonly atMs: number;
}

/** Who is alive, as their heartbeats tell. Times are of this process's clock. */
export class HeartbeatBoard {
  readonly #seen = new Map<string, Seen>();
  readonly #now: () => Date;

  constructor(now: () => Date) {
    this.#now = now;
  }

  listen(messaging: Messaging): Stop {
    return messaging.subscribeJson<Heartbeat>(ALL_HEARTBEATS, (heartbeat) => this.note(heartbeat));
  }

  note(heartbeat: Heartbeat): void {
    const key = `${heartbeat.service}/${heartbeat.instance}`;
    this.#seen.set(key, { heartbeat, atMs: this.#now().getTime() });
  }

  isAlive(service: ServiceName): boolean {
    return this.#fresh().some((heartbeat) => heartbeat.service === service);
  }

  /** How many instances of a service are alive. */
  countOf(service: ServiceName): number {
    return this.#fresh().filter((heartbeat) => heartbeat.service === service).length;
  }

  /** Whether an instance of capture or apply still holds the mirror. */
  isHeld(mirrorId: string): boolean {
    return this.#fresh().some((heartbeat) => heartbeat.mirrors.includes(mirrorId));
  }

  #fresh(): readonly Heartbeat[] {
    const oldest = this.#now().getTime() - FRESH_MS;
    for (const [key, { atMs }] of this.#seen) {
      if (atMs < oldest) this.#seen.delete(key);
    }
    return [...this.#seen.values()].map(({ heartbeat }) => heartbeat);
  }
}
