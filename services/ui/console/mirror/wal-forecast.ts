import { bytes, seconds } from '../parts/words.js';

interface Sample {
  readonly at: string;
  readonly retained_wal_bytes: number | null;
}

/** Bytes of growth over the series below which it is only breathing. */
const GROWTH_BYTES_MIN = 64 * 1024 ** 2;

/** Whether the WAL that the slot keeps is growing, and how fast: the slope of the last samples, in words. */
export function walForecast(series: readonly Sample[]): string {
  const knownSamples = series.flatMap((sample) =>
    sample.retained_wal_bytes === null
      ? []
      : [{ atMs: Date.parse(sample.at), kept: sample.retained_wal_bytes }],
  );
  const [first, last] = [knownSamples.at(0), knownSamples.at(-1)];
  if (!first || !last || last.atMs <= first.atMs) return '';
  const grown = last.kept - first.kept;
  if (grown < GROWTH_BYTES_MIN) return 'not growing';
  const perSecond = grown / ((last.atMs - first.atMs) / 1000);
  return `grows ${bytes(perSecond)}/s: 10 GiB in ${seconds((10 * 1024 ** 3) / perSecond)}`;
}
