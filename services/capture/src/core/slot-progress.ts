import { type Lsn, maxLsn } from '@bunnydb/pg-model';

/** What the server is told: how far was received, and how far the destination has it durably. */
export interface SlotStatus {
  readonly received: Lsn;
  readonly flushed: Lsn;
}

/**
 * How far the slot may move. It follows the destination's flushed position and nothing else; and it never passes what this
 * session has received, since a position beyond that speaks of another history of the source.
 */
export class SlotProgress {
  #received: Lsn;
  #confirmed: Lsn;
  #destination: Lsn;
  #sentAtMs = Number.NEGATIVE_INFINITY;
  #sentConfirmed: Lsn;

  constructor(startLsn: Lsn, confirmedLsn: Lsn) {
    this.#received = startLsn;
    this.#confirmed = confirmedLsn;
    this.#destination = confirmedLsn;
    this.#sentConfirmed = confirmedLsn;
  }

  get received(): Lsn {
    return this.#received;
  }

  get confirmed(): Lsn {
    return this.#confirmed;
  }

  seeReceived(lsn: Lsn): void {
    this.#received = maxLsn(this.#received, lsn);
    this.#advance();
  }

  seeDestination(flushedLsn: Lsn): void {
    this.#destination = maxLsn(this.#destination, flushedLsn);
    this.#advance();
  }

  /** Whether the server should hear from us: soon when the slot can move, and at the latest every `quietMs`. */
  isDue(nowMs: number, quietMs: number): boolean {
    const elapsed = nowMs - this.#sentAtMs;
    return elapsed >= quietMs || (this.#confirmed !== this.#sentConfirmed && elapsed >= MOVED_MS);
  }

  /** The status to send now. */
  send(nowMs: number): SlotStatus {
    this.#sentAtMs = nowMs;
    this.#sentConfirmed = this.#confirmed;
    return { received: this.#received, flushed: this.#confirmed };
  }

  #advance(): void {
    const reached = this.#destination < this.#received ? this.#destination : this.#received;
    this.#confirmed = maxLsn(this.#confirmed, reached);
  }
}

const MOVED_MS = 900;
