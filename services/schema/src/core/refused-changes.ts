import { backoffDelayMs } from '@bunnydb/failure';

interface Refusal {
  readonly tries: number;
  readonly dueAtMs: number;
}

/**
 * Changes that the destination has refused. Often it is the rows that stand in the way, and the stream changes those without a trace in either catalog: so each is tried again, more and more seldom,
 * since a try may read the whole table.
 */
export class RefusedChanges {
  readonly #refusals = new Map<string, Refusal>();

  /** @param random a number in [0, 1), from the caller, so that a test can fix it. */
  note(id: string, nowMs: number, random: number): void {
    const tries = (this.#refusals.get(id)?.tries ?? 0) + 1;
    this.#refusals.set(id, { tries, dueAtMs: nowMs + backoffDelayMs(tries, random, RETRY) });
  }

  isWaiting(id: string, nowMs: number): boolean {
    const refusal = this.#refusals.get(id);
    return refusal !== undefined && nowMs < refusal.dueAtMs;
  }

  isDue(nowMs: number): boolean {
    return [...this.#refusals.values()].some(({ dueAtMs }) => nowMs >= dueAtMs);
  }

  /** Forgets all but these. */
  retain(changes: readonly { readonly id: string }[]): void {
    const ids = new Set(changes.map(({ id }) => id));
    for (const id of [...this.#refusals.keys()]) if (!ids.has(id)) this.#refusals.delete(id);
  }

  clear(): void {
    this.#refusals.clear();
  }
}

const RETRY = { firstDelayMs: 10_000, maxDelayMs: 600_000 };
