export interface BackoffOptions {
  readonly firstDelayMs: number;
  readonly maxDelayMs: number;
}

export const DEFAULT_BACKOFF: BackoffOptions = { firstDelayMs: 1_000, maxDelayMs: 600_000 };

/**
 * The wait before the next try: exponential with "equal jitter" (half fixed, half random).
 *
 * @param attempt how many tries have failed so far, from 1.
 * @param random a number in [0, 1), from the caller, so that a test can fix it.
 */
export function backoffDelayMs(
  attempt: number,
  random: number,
  options: BackoffOptions = DEFAULT_BACKOFF,
): number {
  const ceiling = Math.min(
    options.maxDelayMs,
    options.firstDelayMs * 2 ** Math.min(attempt - 1, 30),
  );
  return Math.round(ceiling / 2 + (ceiling / 2) * random);
}
