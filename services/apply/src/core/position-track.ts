import { type Lsn, ZERO_LSN } from '@bunnydb/pg-model';

/** A place in the source's history that the destination has reached. */
export interface ReachedPosition {
  readonly lsn: Lsn;
  readonly streamSeq: number;
}

/**
 * Follows what is committed at the destination and what of it is flushed to disk. Only the latter may move the slot: with
 * `synchronous_commit = off` a crash of the destination loses the last commits, rows and position together.
 */
export class PositionTrack {
  #applied: ReachedPosition;
  #flushed: ReachedPosition;
  /** Commits whose record may not be on disk yet, oldest first. */
  readonly #waiting: { readonly position: ReachedPosition; readonly walLsn: Lsn }[] = [];

  /** @param start as read from the position row; whether that is flushed is not known, so that `walLsn` has to be reached first. */
  constructor(start: ReachedPosition, walLsn: Lsn) {
    this.#applied = start;
    this.#flushed = { lsn: ZERO_LSN, streamSeq: 0 };
    this.#waiting.push({ position: start, walLsn });
  }

  get applied(): ReachedPosition {
    return this.#applied;
  }

  get flushed(): ReachedPosition {
    return this.#flushed;
  }

  get hasUnflushed(): boolean {
    return this.#waiting.length > 0;
  }

  /** A transaction is committed; `walLsn` is a place in the destination's WAL behind its commit record. */
  commit(position: ReachedPosition, walLsn: Lsn): void {
    this.#applied = position;
    this.#waiting.push({ position, walLsn });
  }

  /** The destination's WAL is on disk up to here. */
  flush(flushLsn: Lsn): void {
    let count = 0;
    for (const { position, walLsn } of this.#waiting) {
      // The insert position is where the *next* record starts, so that reaching it exactly is enough.
      if (walLsn > flushLsn) break;
      this.#flushed = position;
      count += 1;
    }
    this.#waiting.splice(0, count);
  }
}
