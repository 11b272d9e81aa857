import { ALL_HEARTBEATS, type Heartbeat, type ServiceName } from '@bunnydb/contracts';
import type { Messaging, Stop } from '@bunnydb/messaging';
import type { WorkerSeen } from '../../core/view/unattended.js';

/** Heartbeats come every two seconds; a service that missed several is not there. */
const FRESH_MS = 10_000;

interface Seen {
  readonly heartbeat: Heartbeat;
  readonly atMs: number;
}

/** Who is alive, as their heartbeats tell. Times are of this process's clock. */
export class HeartbeatBoard {
  readonly #seen = new Map<string, Seen>();
  /** When an instance of a service last said that it works on a mirror. */
  readonly #heldAtMs = new Map<string, number>();
  readonly #now: () => Date;
  readonly #startedAtMs: number;

  constructor(now: () => Date) {
    this.#now = now;
    this.#startedAtMs = now().getTime();
  }

  listen(messaging: Messaging): Stop {
    return messaging.subscribeJson<Heartbeat>(ALL_HEARTBEATS, (heartbeat) => this.note(heartbeat));
  }

  note(heartbeat: Heartbeat): void {
    const key = `${heartbeat.service}/${heartbeat.instance}`;
    const atMs = this.#now().getTime();
    this.#seen.set(key, { heartbeat, atMs });
    for (const mirrorId of heartbeat.mirrors) {
      this.#heldAtMs.set(`${mirrorId}/${heartbeat.service}`, atMs);
    }
  }

  /** What is seen of a service at a mirror. Not before `sinceMs` had anybody to be there. */
  seenAt(mirrorId: string, service: ServiceName, sinceMs: number): WorkerSeen {
    const heldAtMs = this.#heldAtMs.get(`${mirrorId}/${service}`) ?? 0;
    const lastMs = Math.max(heldAtMs, this.#startedAtMs, sinceMs);
    return {
      service,
      isAlive: this.isAlive(service),
      silentMs: this.#now().getTime() - lastMs,
    };
  }

  /** Lets go of mirrors that are no more. */
  keepOnly(mirrorIds: ReadonlySet<string>): void {
    for (const key of this.#heldAtMs.keys()) {
      if (!mirrorIds.has(key.slice(0, key.indexOf('/')))) this.#heldAtMs.delete(key);
    }
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
