const PLAIN_INTERVAL_MS = 5_000;
const MIN_WIDTH = 40;

/** The part of a terminal's stream that the screen uses. */
export interface ScreenOutput {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

/**
 * Where the launcher talks to a person: lines that stay, and below them a block that is drawn anew in place. When the output is no
 * terminal, the block becomes a plain line from time to time.
 */
export class Screen {
  readonly #output: ScreenOutput;
  readonly #now: () => number;
  #block: readonly string[] = [];
  #closed = false;
  #lastPlainMs = Number.NEGATIVE_INFINITY;

  constructor(output: ScreenOutput, now: () => number) {
    this.#output = output;
    this.#now = now;
  }

  get interactive(): boolean {
    return this.#output.isTTY === true;
  }

  get width(): number {
    return Math.max(MIN_WIDTH, this.#output.columns ?? 80);
  }

  /** Writes lines that stay. */
  say(text: string): void {
    const block = this.#block;
    this.#erase();
    this.#output.write(`${text}\n`);
    this.#draw(block);
  }

  /**
   * Replaces the block.
   *
   * @param plain what is written instead when the output is no terminal, at most every few seconds.
   */
  show(block: readonly string[], plain: string): void {
    if (this.#closed) return;
    if (this.interactive) {
      this.#erase();
      this.#draw(block);
      return;
    }
    if (this.#now() - this.#lastPlainMs < PLAIN_INTERVAL_MS) return;
    this.#lastPlainMs = this.#now();
    this.#output.write(`${plain}\n`);
  }

  /** Removes the block; the next plain line is written at once. */
  clear(): void {
    this.#erase();
    this.#lastPlainMs = Number.NEGATIVE_INFINITY;
  }

  /** Removes the block for good: what is still on its way when everything stops must not draw it again. */
  close(): void {
    this.clear();
    this.#closed = true;
  }

  #erase(): void {
    if (!this.interactive || this.#block.length === 0) return;
    this.#output.write(`\x1b[${this.#block.length}A\r\x1b[J`);
    this.#block = [];
  }

  #draw(block: readonly string[]): void {
    if (!this.interactive || block.length === 0) return;
    // A line that wraps would count as two, and the next erasing would leave pieces.
    const fitting = block.map((line) => [...line].slice(0, this.width - 1).join(''));
    this.#output.write(`${fitting.join('\n')}\n`);
    this.#block = fitting;
  }
}
