/** 1234567 → "1,234,567". */
export function count(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}

/** Bytes in words of two or three digits: "512 B", "1.4 MiB". */
export function bytes(value: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const;
  let at = 0;
  let rest = value;
  // What would round to a thousand and more of a unit is one of the next.
  while (rest >= 1023.5 && at < units.length - 1) {
    rest /= 1024;
    at += 1;
  }
  return `${at === 0 || rest >= 99.95 ? Math.round(rest) : rest.toFixed(1)} ${units[at] ?? 'B'}`;
}

/** Steps of an axis that are whole in these units: 1, 2, 5 … 500 B, KiB, MiB, GiB, TiB. */
export const BYTE_STEPS: readonly number[] = [0, 1, 2, 3, 4].flatMap((unit) =>
  [1, 2, 5, 10, 20, 50, 100, 200, 500].map((step) => step * 1024 ** unit),
);

/** Seconds in words: "62 ms", "4.2 s", "42 s", "3 min 5 s", "2 h 10 min", "3 d 4 h". */
export function seconds(value: number): string {
  if (value < 0.9995) return `${Math.round(value * 1000)} ms`;
  if (value < 9.95) return `${value.toFixed(1)} s`;
  const whole = Math.round(value);
  if (whole < 60) return `${whole} s`;
  if (whole < 3_600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  if (whole < 86_400)
    return `${Math.floor(whole / 3_600)} h ${Math.floor((whole % 3_600) / 60)} min`;
  return `${Math.floor(whole / 86_400)} d ${Math.floor((whole % 86_400) / 3_600)} h`;
}

/** A time of this day, or a date and a time. */
export function moment(iso: string): string {
  const time = new Date(iso);
  const isToday = time.toDateString() === new Date().toDateString();
  return isToday ? time.toLocaleTimeString() : time.toLocaleString();
}

/** The time of day of a place on an axis: to the minute, or to the second where the axis spans but a few minutes. */
export function clockWords(timeMs: number, spanMs = 0): string {
  return new Date(timeMs).toLocaleTimeString(undefined, {
    hour: '2-digit',
    minute: '2-digit',
    // Short enough for an axis, wherever one is.
    hourCycle: 'h23',
    ...(spanMs < SECONDS_SPAN_MS && { second: '2-digit' }),
  });
}

/** `–` where nothing is known. */
export function known<Value>(
  value: Value | null | undefined,
  words: (value: Value) => string,
): string {
  return value === null || value === undefined ? '–' : words(value);
}

/** "1 table", "2 tables". */
export function plural(amount: number, noun: string): string {
  return `${count(amount)} ${noun}${amount === 1 ? '' : 's'}`;
}

const SECONDS_SPAN_MS = 4 * 60_000;
