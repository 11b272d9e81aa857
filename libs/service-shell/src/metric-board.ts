import { METRICS, type MetricSample } from '@bunnydb/contracts';
import { capTables } from './cap-tables.js';

/** Tells numbers as they are at this moment; asked only when somebody scrapes. */
export type MetricSource = () => Iterable<MetricSample> | Promise<Iterable<MetricSample>>;

/** Where a session or a loop hangs up what it counts anyway. */
export interface MetricDoor {
  /** @returns how to take the source away again; its series end with it. */
  add(source: MetricSource): () => void;
}

export interface MetricBoardOptions {
  /** Tables that get series of their own; the others are told as one a mirror. A scrape of many thousand series would hold everything else up. */
  readonly tablesMax: number;
}

/**
 * All that a process can tell in numbers. Nothing is counted here: each source reads its own counters when it is asked, so that a
 * metric costs nothing between two scrapes, and a mirror that has moved to another process leaves no old numbers behind.
 */
export class MetricBoard implements MetricDoor {
  readonly #sources = new Set<MetricSource>();
  readonly #options: MetricBoardOptions;

  constructor(options: MetricBoardOptions) {
    this.#options = options;
  }

  add(source: MetricSource): () => void {
    this.#sources.add(source);
    return () => {
      this.#sources.delete(source);
    };
  }

  /** Asks every source. One that fails or is slow (its server is away, say) is left out. */
  async collect(): Promise<readonly MetricSample[]> {
    const asked = [...this.#sources].map((source) => within(COLLECT_MS, source));
    const samples = (await Promise.all(asked)).flat();
    return withoutRepeats(capTables(samples.filter(isNumber), this.#options.tablesMax));
  }
}

async function within(limitMs: number, source: MetricSource): Promise<readonly MetricSample[]> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<readonly MetricSample[]>((resolve) => {
    timer = setTimeout(() => resolve([]), limitMs);
  });
  try {
    return await Promise.race([Promise.resolve(source()).then((found) => [...found]), late]);
  } catch {
    return [];
  } finally {
    clearTimeout(timer);
  }
}

function isNumber(sample: MetricSample): boolean {
  return 'distribution' in sample || Number.isFinite(sample.value);
}

/** While one session of a mirror follows another both may tell; an exposition with a series in it twice is refused as a whole. */
function withoutRepeats(samples: readonly MetricSample[]): readonly MetricSample[] {
  const series = new Map<string, MetricSample>();
  for (const sample of samples) series.set(seriesKey(sample), sample);
  return [...series.values()];
}

function seriesKey({ name, labels }: MetricSample): string {
  return JSON.stringify([name, ...METRICS[name].labels.map((label) => labels[label] ?? '')]);
}

const COLLECT_MS = 2_000;
