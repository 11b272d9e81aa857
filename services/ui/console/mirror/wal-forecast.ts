import { bytes, seconds } from '../parts/words.js';

interface Sample {
  readonly at: string;
  readonly retained_wal_bytes: number | null;
}

const GIB = 1024 ** 3;
/** Bytes of growth over the series below which it is only breathing. */
const GROWTH_BYTES_MIN = 64 * 1024 ** 2;

/**
 * Whether the WAL that the slot keeps is growing, how fast, and when that ends: the slope of the last samples, in words.
 *
 * @param roomBytes what may still come before the source gives the slot up; null where it never does.
 */
export function walForecast(series: readonly Sample[], roomBytes: number | null): string {
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
  const [end, left] = roomBytes === null ? ['10 GiB', 10 * GIB - last.kept] : ['lost', roomBytes];
  return `grows ${bytes(perSecond)}/s: ${end} in ${seconds(Math.max(0, left) / perSecond)}`;
}
