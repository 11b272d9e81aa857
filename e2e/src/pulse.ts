import type { DatabasePair } from './database-pair.js';
import { type Watch, startWatch } from './watch.js';

/** A row whose age at the destination is how far its table is behind. Both databases are on one machine, so that they have one clock. */
export const PULSE_SCHEMA = `create table pulse (id integer primary key, at timestamptz not null);`;
export const PULSE_ROWS = `insert into pulse values (1, clock_timestamp());`;

const BEAT_MS = 20;
const SAMPLE_MS = 100;

export interface PulseOptions {
  /** Between two beats; 20 by default. */
  readonly beatMs?: number;
  /** Between two looks at the destination; 100 by default. */
  readonly sampleMs?: number;
}

/** Writes the pulse at the source and reads its age at the destination. */
export class Pulse {
  readonly #watches: readonly Watch[];
  readonly #samples: number[];

  private constructor(watches: readonly Watch[], samples: number[]) {
    this.#watches = watches;
    this.#samples = samples;
  }

  static async start(
    pair: DatabasePair,
    { beatMs = BEAT_MS, sampleMs = SAMPLE_MS }: PulseOptions = {},
  ): Promise<Pulse> {
    const samples: number[] = [];
    const watches = [
      await startWatch(pair.sourceUrl, beatMs, async (client) => {
        await client.query('update pulse set at = clock_timestamp() where id = 1');
      }),
      await startWatch(pair.destinationUrl, sampleMs, async (client) => {
        const { rows } = await client.query<{ seconds: number }>(
          'select extract(epoch from clock_timestamp() - at)::float8 as seconds from pulse',
        );
        samples.push(rows[0]?.seconds ?? Number.POSITIVE_INFINITY);
      }),
    ];
    return new Pulse(watches, samples);
  }

  /** How many samples there are. */
  get count(): number {
    return this.#samples.length;
  }

  /** The largest lag that was seen, in seconds, from sample `from` on. */
  worstSince(from: number): number {
    return Math.max(...this.#samples.slice(from));
  }

  async stop(): Promise<void> {
    await Promise.all(this.#watches.map((watch) => watch.stop()));
  }
}
