import { setTimeout as delay } from 'node:timers/promises';

/** A network that answers slowly, and now and then loses something, which TCP sends again after a while. */
export interface Slowness {
  readonly delayMs: number;
  /** One of so many pieces is lost. */
  readonly loseOneOf: number;
  /** Until TCP sends it again. */
  readonly resendAfterMs: number;
}

/** The way between the two sides of a proxy. Tells each piece of data when it may arrive. */
export class Network {
  #slowness: Slowness | undefined;
  #pieces = 0;
  #gate: Promise<void> = Promise.resolve();
  #open: (() => void) | undefined;

  /** True while nothing gets through. */
  get parted(): boolean {
    return this.#open !== undefined;
  }

  /** From now on nothing gets through, and neither side is told. */
  part(): void {
    if (this.parted) return;
    this.#gate = new Promise((resolve) => (this.#open = resolve));
  }

  slowDown(slowness: Slowness): void {
    this.#slowness = slowness;
  }

  /** What was held back arrives, and what comes goes through at once. */
  heal(): void {
    this.#slowness = undefined;
    this.#open?.();
    this.#open = undefined;
  }

  /** Settles when a piece of data has arrived. */
  async cross(): Promise<void> {
    await this.#gate;
    if (this.#slowness === undefined) return;
    const { delayMs, loseOneOf, resendAfterMs } = this.#slowness;
    this.#pieces += 1;
    // Time is what a slow network takes.
    await delay(this.#pieces % loseOneOf === 0 ? delayMs + resendAfterMs : delayMs);
    await this.#gate;
  }

  /** Settles when the ends can hear of each other again. */
  async reached(): Promise<void> {
    await this.#gate;
  }
}
