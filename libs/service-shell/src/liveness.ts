import type { LoopWatch } from '@bunnydb/messaging';

/** What a loop says while it runs. */
export interface Pulse {
  /** The loop has turned. Cheap; call it as often as you like. */
  beat(): void;
  /** The loop has ended. */
  end(): void;
}

export interface PulseOptions {
  /** How long the loop may be silent. */
  readonly silenceMaxMs: number;
  /** True while it waits for a server or for nothing to do: then silence means nothing. */
  readonly isWaiting?: () => boolean;
}

interface Watched extends PulseOptions {
  readonly name: string;
  heardAtMs: number;
}

/** Opens pulses; what a loop needs of `Liveness`. */
export interface LivenessDoor {
  watch(name: string, options: PulseOptions): Pulse;
}

/**
 * Tells a process that is stuck from one that waits. A loop that is watched has to turn within its time unless it waits for a server: an
 * orchestrator that kills a process because its database is away makes things worse.
 *
 * Example: an apply loop turns every second at least. While a statement is not answered it waits. No turn for a minute and nothing to be
 * answered means that a promise was lost; `/health` fails and the process is started anew.
 */
export class Liveness implements LivenessDoor {
  readonly #watched = new Set<Watched>();
  readonly #nowMs: () => number;
  #lookedAtMs: number;

  constructor(nowMs: () => number = () => performance.now()) {
    this.#nowMs = nowMs;
    this.#lookedAtMs = nowMs();
  }

  watch(name: string, options: PulseOptions): Pulse {
    const watched: Watched = { ...options, name, heardAtMs: this.#nowMs() };
    this.#watched.add(watched);
    return {
      beat: () => {
        watched.heardAtMs = this.#nowMs();
      },
      end: () => {
        this.#watched.delete(watched);
      },
    };
  }

  /** Looks at every loop; to be called every few seconds. Returns the names of those that are stuck. */
  look(): readonly string[] {
    const nowMs = this.#nowMs();
    // The process itself was stopped for a while (a debugger, a sleeping laptop): nobody could turn.
    const wasAway = nowMs - this.#lookedAtMs > AWAY_MS;
    this.#lookedAtMs = nowMs;
    const stuck: string[] = [];
    for (const watched of this.#watched) {
      if (wasAway || watched.isWaiting?.() === true) watched.heardAtMs = nowMs;
      else if (nowMs - watched.heardAtMs > watched.silenceMaxMs) stuck.push(watched.name);
    }
    return stuck;
  }
}

/** Watches a loop that pulls messages: a pull ends within half a minute, whether anything came or not. */
export function pullLoopWatch(liveness: LivenessDoor, name: string): LoopWatch {
  return (isWaiting) => liveness.watch(name, { silenceMaxMs: PULL_MAX_MS, isWaiting });
}

/** How often `runService` looks. */
export const LOOK_EVERY_MS = 5_000;
const PULL_MAX_MS = 120_000;
const AWAY_MS = LOOK_EVERY_MS * 3;
