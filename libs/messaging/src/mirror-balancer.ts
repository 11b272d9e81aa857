import { type InstanceLoad, shouldGive } from './balance.js';
import { HEARTBEAT_INTERVAL_MS } from './heartbeat.js';
import type { Log } from './log.js';

/** An instance that was silent for so many beats is gone. */
const SILENT_BEATS_MAX = 3;
/** After nobody took what was given: whatever keeps the others from it will not be over in a moment. */
const REST_MS = 60_000;

export interface BalancerOptions {
  readonly instance: string;
  /** Ids of the mirrors whose lease this instance has. */
  readonly mirrors: () => readonly string[];
  /** Ids of the mirrors that another instance has, or nobody. */
  readonly others: () => readonly string[];
  /** Gives one mirror up, if there is one that can be moved without loss; tells which. */
  readonly give: () => string | undefined;
  /** Another instance has given this mirror back. */
  readonly claimFreed: (mirrorId: string) => void;
  readonly log: Log;
  /** A clock that only goes forward. */
  readonly nowMs: () => number;
}

/** What another instance has told. */
export interface PeerBeat {
  /** Ids of the mirrors whose lease it has. */
  readonly mirrors: readonly string[];
  /** It gives them back and takes no others. */
  readonly leaving: boolean;
}

interface Peer extends PeerBeat {
  readonly heardAtMs: number;
}

/**
 * Shares the mirrors out among the instances of a service, by what their heartbeats tell. It never keeps anybody from claiming a free mirror: a mirror
 * without a session is worse than one at the wrong place. It only gives from who has most, and waits until the gift was taken before the next one. What
 * another one has given back is claimed as soon as that is heard.
 */
export class MirrorBalancer {
  readonly #options: BalancerOptions;
  readonly #peers = new Map<string, Peer>();
  /** A mirror that was given and that nobody was heard to have yet. */
  #gift: string | undefined;
  #restUntilMs = 0;

  constructor(options: BalancerOptions) {
    this.#options = options;
  }

  /** An instance has told what it has. */
  hear(instance: string, beat: PeerBeat): void {
    const { instance: own, others, claimFreed, nowMs } = this.#options;
    if (instance === own) return;
    // One that leaves before it was ever heard may have had any of them.
    const before = this.#peers.get(instance)?.mirrors ?? (beat.leaving ? others() : []);
    this.#peers.set(instance, { ...beat, heardAtMs: nowMs() });
    before.filter((mirrorId) => !beat.mirrors.includes(mirrorId)).forEach(claimFreed);
    if (this.#gift !== undefined && beat.mirrors.includes(this.#gift)) this.#gift = undefined;
    this.#giveIfAhead();
  }

  /** How many mirrors this instance has more than the one that has fewest. */
  get ahead(): number {
    const counts = this.#takers().map(({ mirrors }) => mirrors);
    const own = this.#options.mirrors().length;
    return Math.max(0, own - Math.min(own, ...counts));
  }

  /** The lease of a mirror came to this instance. */
  noteClaim(mirrorId: string): void {
    if (mirrorId !== this.#gift) return;
    this.#gift = undefined;
    this.#restUntilMs = this.#options.nowMs() + REST_MS;
  }

  /** The mirror is not wanted by anybody any more. */
  forget(mirrorId: string): void {
    if (mirrorId === this.#gift) this.#gift = undefined;
  }

  #giveIfAhead(): void {
    const { instance, mirrors, give, log, nowMs } = this.#options;
    if (this.#gift !== undefined || nowMs() < this.#restUntilMs) return;
    if (!shouldGive({ instance, mirrors: mirrors().length }, this.#takers())) return;
    this.#gift = give();
    if (this.#gift !== undefined) {
      log.info({ mirror: this.#gift }, 'a mirror is given to an instance with fewer');
    }
  }

  /** The others that are there to stay. */
  #takers(): readonly InstanceLoad[] {
    const heardAfterMs = this.#options.nowMs() - HEARTBEAT_INTERVAL_MS * SILENT_BEATS_MAX;
    for (const [name, { heardAtMs }] of this.#peers) {
      if (heardAtMs < heardAfterMs) this.#peers.delete(name);
    }
    return [...this.#peers]
      .filter(([, { leaving }]) => !leaving)
      .map(([instance, { mirrors }]) => ({ instance, mirrors: mirrors.length }));
  }
}
