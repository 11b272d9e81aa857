interface Point {
  readonly atMs: number;
  readonly bytes: number;
}

/**
 * How fast retained WAL grows: the slope of the straight line through the last ten minutes. A line rather than two points, since
 * the number jumps whenever the slot's restart position moves.
 */
export class WalGrowth {
  readonly #points: Point[] = [];

  note(bytes: number, atMs: number): void {
    const last = this.#points.at(-1);
    if (last && atMs - last.atMs < POINT_EVERY_MS) return;
    this.#points.push({ atMs, bytes });
    while ((this.#points[0]?.atMs ?? atMs) < atMs - WINDOW_MS) this.#points.shift();
  }

  /** Null until a minute has been seen. */
  get bytesPerSecond(): number | null {
    const first = this.#points[0];
    const last = this.#points.at(-1);
    if (!first || !last || last.atMs - first.atMs < SPAN_MIN_MS) return null;
    const count = this.#points.length;
    const seconds = this.#points.map(({ atMs }) => (atMs - first.atMs) / 1_000);
    const meanX = sum(seconds) / count;
    const meanY = sum(this.#points.map(({ bytes }) => bytes)) / count;
    let covariance = 0;
    let variance = 0;
    for (const [index, { bytes }] of this.#points.entries()) {
      const x = (seconds[index] ?? 0) - meanX;
      covariance += x * (bytes - meanY);
      variance += x * x;
    }
    return Math.round(covariance / variance);
  }
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

const POINT_EVERY_MS = 10_000;
const WINDOW_MS = 10 * 60_000;
const SPAN_MIN_MS = 60_000;
