/** What is to be done about a source that says nothing. */
export type HeartbeatStep =
  | 'nothing'
  /** It has been silent for the interval: write a heartbeat at the source. */
  | 'beat'
  /** The heartbeat should have come back: see what the reader at the server does. */
  | 'look';

type State =
  | { readonly tag: 'hearing'; readonly sinceMs: number }
  | { readonly tag: 'beating'; readonly sinceMs: number }
  | { readonly tag: 'waiting'; readonly sinceMs: number }
  | { readonly tag: 'looking' };

/**
 * Tells a source that has nothing to say from a reader that no longer hears it. Anything heard proves the way; when nothing was for an
 * interval, a heartbeat is written at the source, which has to come back through the slot within a bounded time.
 */
export class Heartbeat {
  readonly #intervalMs: number;
  readonly #backMs: number;
  #state: State;

  /** @param intervalMs 0: no heartbeat. */
  constructor(intervalMs: number, nowMs: number) {
    this.#intervalMs = intervalMs;
    this.#backMs = Math.min(BACK_MS_MAX, Math.max(BACK_MS_MIN, intervalMs));
    this.#state = { tag: 'hearing', sinceMs: nowMs };
  }

  /** Something came from the source, or nothing could have been heard. */
  heard(nowMs: number): void {
    this.#state = { tag: 'hearing', sinceMs: nowMs };
  }

  step(nowMs: number): HeartbeatStep {
    // So written that the spec of an older version, which does not know the option, has none.
    if (!(this.#intervalMs > 0)) return 'nothing';
    const state = this.#state;
    switch (state.tag) {
      case 'hearing':
        if (nowMs - state.sinceMs < this.#intervalMs) return 'nothing';
        this.#state = { tag: 'beating', sinceMs: nowMs };
        return 'beat';
      case 'waiting':
        if (nowMs - state.sinceMs < this.#backMs) return 'nothing';
        this.#state = { tag: 'looking' };
        return 'look';
      case 'beating':
      case 'looking':
        return 'nothing';
    }
  }

  /** The heartbeat was written, or the source is out of reach: something has to be heard before long. */
  expectAnswer(nowMs: number): void {
    if (this.#state.tag === 'beating') this.#state = { tag: 'waiting', sinceMs: nowMs };
  }

  /** The reader at the server is at work: it comes to the heartbeat later. */
  waitLonger(nowMs: number): void {
    if (this.#state.tag === 'looking') this.#state = { tag: 'waiting', sinceMs: nowMs };
  }
}

const BACK_MS_MIN = 2_000;
const BACK_MS_MAX = 30_000;
