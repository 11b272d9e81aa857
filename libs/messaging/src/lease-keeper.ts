import type { Lease, LeaseBook } from './lease.js';
import type { Messaging } from './messaging.js';

/** Renewals within one TTL; two may fail before the lease is lost. */
const RENEWALS_PER_TTL = 4;

/**
 * Keeps one lease alive. Calls `onLost` once, when somebody else has the lease or when it could not be renewed in time: from then on another
 * instance may claim it.
 */
export class LeaseKeeper {
  readonly #book: LeaseBook;
  readonly #onLost: () => void;
  readonly #intervalMs: number;
  #lease: Lease;
  #timer: NodeJS.Timeout | undefined;
  #renewing: Promise<void> = Promise.resolve();
  #ended = false;

  constructor(messaging: Messaging, book: LeaseBook, lease: Lease, onLost: () => void) {
    this.#book = book;
    this.#lease = lease;
    this.#onLost = onLost;
    this.#intervalMs = messaging.settings.leaseTtlMs / RENEWALS_PER_TTL;
    this.#schedule(this.#intervalMs);
  }

  /** Ends the renewals and gives the lease back. */
  async release(): Promise<void> {
    this.#end();
    // A renewal under way changes the revision that the release has to name.
    await this.#renewing;
    await this.#book.release(this.#lease);
  }

  #schedule(wantedMs: number): void {
    const leftMs = this.#lease.validUntilMs - performance.now();
    const delayMs = Math.max(0, Math.min(wantedMs, leftMs));
    this.#timer = setTimeout(() => {
      this.#renewing = this.#renew();
    }, delayMs);
  }

  async #renew(): Promise<void> {
    const expiry = setTimeout(() => this.#lose(), this.#lease.validUntilMs - performance.now());
    let nextMs = this.#intervalMs;
    try {
      const renewed = await this.#book.renew(this.#lease);
      if (renewed === undefined) {
        this.#lose();
      } else {
        this.#lease = renewed;
      }
    } catch {
      // Out of reach: try again, soon, until the lease has expired.
      nextMs = this.#intervalMs / RENEWALS_PER_TTL;
    } finally {
      clearTimeout(expiry);
    }
    if (!this.#ended) {
      if (performance.now() >= this.#lease.validUntilMs) {
        this.#lose();
      } else {
        this.#schedule(nextMs);
      }
    }
  }

  #lose(): void {
    if (!this.#ended) {
      this.#end();
      this.#onLost();
    }
  }

  #end(): void {
    this.#ended = true;
    clearTimeout(this.#timer);
  }
}
