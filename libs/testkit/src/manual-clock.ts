/** Time that stands still until a test moves it, for code that takes `now` as an argument. */
export class ManualClock {
  #nowMs: number;

  constructor(start: Date | string = '2026-01-01T00:00:00.000Z') {
    this.#nowMs = new Date(start).getTime();
  }

  /** An own property, so that it can be handed over as a function. */
  readonly now = (): Date => new Date(this.#nowMs);

  advance(milliseconds: number): void {
    this.#nowMs += milliseconds;
  }
}

/** Identifiers `<prefix>-1`, `<prefix>-2`, …, for code that takes `newId` as an argument. */
export function countingIds(prefix = 'id'): () => string {
  let last = 0;
  return () => `${prefix}-${++last}`;
}
