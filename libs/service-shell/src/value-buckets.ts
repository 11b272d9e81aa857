import type { Distribution } from '@bunnydb/contracts';

/** Counts values by size. One call a batch or a request, never one a row. */
export class ValueBuckets {
  readonly #bounds: readonly number[];
  readonly #counts: number[];
  #sum = 0;

  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
    this.#counts = bounds.map(() => 0);
    this.#counts.push(0);
  }

  add(value: number): void {
    const found = this.#bounds.findIndex((bound) => value <= bound);
    const bucket = found === -1 ? this.#bounds.length : found;
    this.#counts[bucket] = (this.#counts[bucket] ?? 0) + 1;
    this.#sum += value;
  }

  get distribution(): Distribution {
    return { bounds: this.#bounds, counts: [...this.#counts], sum: this.#sum };
  }
}

export const SECONDS_BOUNDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 30];
export const BYTES_BOUNDS = [0, 2, 4, 6, 8, 10, 12, 14].map((power) => 256 * 2 ** power);
export const COUNT_BOUNDS = [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000];
