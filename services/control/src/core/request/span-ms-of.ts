const UNIT_MS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000 };
const SPAN_MAX_MS = 3_600_000;

/** Reads a span such as `15m`; what is longer than an hour is an hour. */
export function spanMsOf(text: string): number {
  const amount = Number.parseInt(text, 10);
  return Math.min(amount * (UNIT_MS[text.slice(-1)] ?? 0), SPAN_MAX_MS);
}
