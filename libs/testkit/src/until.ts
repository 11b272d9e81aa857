import { setTimeout as delay } from 'node:timers/promises';

export interface UntilOptions {
  readonly timeoutMs?: number;
  readonly intervalMs?: number;
  /** What is waited for, in words; a function when the words depend on what was seen last. */
  readonly what?: string | (() => string);
}

/**
 * Polls until `predicate` gives something truthy, and returns that. An error thrown by the predicate ends the wait.
 */
export async function until<T>(
  predicate: () => T | Promise<T>,
  options: UntilOptions = {},
): Promise<NonNullable<T>> {
  const { timeoutMs = 30_000, intervalMs = 25, what = 'a condition' } = options;
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const value = await predicate();
    if (value) return value;
    if (performance.now() >= deadline) {
      const words = typeof what === 'function' ? what() : what;
      throw new Error(`waited ${timeoutMs} ms in vain for ${words}`);
    }
    await delay(intervalMs);
  }
}
