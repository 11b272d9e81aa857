import { heartbeatSubject, type Heartbeat, type ServiceName } from '@bunnydb/contracts';
import { shouldGive } from './balance.js';
import { HEARTBEAT_INTERVAL_MS } from './heartbeat.js';
import type { Messaging, Stop } from './messaging.js';

/** An instance that was silent for so many beats is gone. */
const SILENT_BEATS_MAX = 3;
/** After nobody took what was given: whatever keeps the others from it will not be over in a moment. */
const REST_MS = 60_000;

export interface BalancerOptions {
  readonly messaging: Messaging;
  readonly service: ServiceName;
  readonly instance: string;
  /** Ids of the mirrors whose lease this instance has. */
  readonly mirrors: () => readonly string[];
  /** Gives one mirror up, if there is one that can be moved without loss; tells which. */
  readonly give: () => string | undefined;
  readonly nowMs?: () => number;
}

interface Peer {
  readonly mirrors: readonly string[];
  readonly heardAtMs: number;
}

/**
 * Shares the mirrors out among the instances of a service, by what their heartbeats tell. It never keeps anybody from claiming a free mirror: a mirror
 * without a session is worse than one at the wrong place. It only gives from who has most, and waits until the gift was taken before the next one.
 */
export class MirrorBalancer {
  readonly #options: BalancerOptions;
  readonly #nowMs: () => number;
  readonly #peers = new Map<string, Peer>();
  /** A mirror that was given and that nobody was heard to have yet. */
  #gift: string | undefined;
  #restUntilMs = 0;

  constructor(options: BalancerOptions) {
    this.#options = options;
    this.#nowMs = options.nowMs ?? (() => performance.now());
  }

  /** Follows the heartbeats of the other instances; returns how to end it. */
  start(): Stop {
    const { messaging, service } = this.#options;
    return messaging.subscribeJson<Partial<Heartbeat>>(heartbeatSubject(service, '*'), (beat) => {
      if (typeof beat.instance === 'string' && Array.isArray(beat.mirrors)) {
        this.hear(beat.instance, beat.mirrors);
      }
    });
  }

  /** Another instance has told what it has. */
  hear(instance: string, mirrors: readonly string[]): void {
    const { instance: own, mirrors: ownMirrors, give, messaging } = this.#options;
    if (instance === own) return;
    const nowMs = this.#nowMs();
    this.#peers.set(instance, { mirrors, heardAtMs: nowMs });
    for (const [name, { heardAtMs }] of this.#peers) {
      if (nowMs - heardAtMs > HEARTBEAT_INTERVAL_MS * SILENT_BEATS_MAX) this.#peers.delete(name);
    }
    this.#settleGift(mirrors, nowMs);
    if (this.#gift !== undefined || nowMs < this.#restUntilMs) return;
    const peers = [...this.#peers].map(([name, peer]) => ({
      instance: name,
      mirrors: peer.mirrors.length,
    }));
    if (!shouldGive({ instance: own, mirrors: ownMirrors().length }, peers)) return;
    this.#gift = give();
    if (this.#gift !== undefined) {
      messaging.log.info({ mirror: this.#gift }, 'a mirror is given to an instance with fewer');
    }
  }

  /** How many mirrors this instance has more than the one that has fewest. */
  get ahead(): number {
    const counts = [...this.#peers.values()].map(({ mirrors }) => mirrors.length);
    const own = this.#options.mirrors().length;
    return Math.max(0, own - Math.min(own, ...counts));
  }

  /** The lease of a mirror came to this instance. */
  noteClaim(mirrorId: string): void {
    if (mirrorId !== this.#gift) return;
    this.#gift = undefined;
    this.#restUntilMs = this.#nowMs() + REST_MS;
  }

  /** The mirror is not wanted by anybody any more. */
  forget(mirrorId: string): void {
    if (mirrorId === this.#gift) this.#gift = undefined;
  }

  #settleGift(mirrors: readonly string[], nowMs: number): void {
    if (this.#gift !== undefined && mirrors.includes(this.#gift)) {
      this.#gift = undefined;
      this.#restUntilMs = nowMs;
    }
  }
}
