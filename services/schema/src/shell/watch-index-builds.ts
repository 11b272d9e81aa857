import type pg from 'pg';
import { type IndexProgress, describeIndexProgress } from '../core/index-progress.js';
import type { CompareOptions } from './compare-structure.js';
import { withPeer } from './peer-session.js';

/**
 * Tells how far indexes are that take long. The building sessions cannot: they are at work. A session of its own looks into
 * `pg_stat_progress_create_index`, and is opened only when something has been building for a while.
 */
export class IndexBuildWatch {
  readonly #options: CompareOptions;
  readonly #tell: (object: string, detail: string) => void;
  readonly #building = new Map<number, string>();
  #timer: NodeJS.Timeout | undefined;

  constructor(options: CompareOptions, tell: (object: string, detail: string) => void) {
    this.#options = options;
    this.#tell = tell;
  }

  /** Runs work of the session on an object, and tells of it meanwhile. */
  async during<Result>(
    client: pg.Client,
    object: string,
    work: () => Promise<Result>,
  ): Promise<Result> {
    const { rows } = await client.query<{ pid: number }>(
      'select pg_catalog.pg_backend_pid() as pid',
    );
    const pid = rows[0]?.pid ?? 0;
    this.#building.set(pid, object);
    this.#timer ??= setTimeout(() => void this.#look(), INTERVAL_MS);
    try {
      return await work();
    } finally {
      this.#building.delete(pid);
      if (this.#building.size === 0) {
        clearTimeout(this.#timer);
        this.#timer = undefined;
      }
    }
  }

  /** What cannot be looked at now is told the next time, or by the end of the build. */
  async #look(): Promise<void> {
    const { spec, openSecret, signal } = this.#options;
    const peer = { peer: spec.destination, role: 'destination', openSecret, signal } as const;
    try {
      const { rows } = await withPeer(peer, (client) =>
        client.query<IndexProgress & { readonly pid: number }>(SELECT_PROGRESS, [
          [...this.#building.keys()],
        ]),
      );
      for (const row of rows) {
        const object = this.#building.get(row.pid);
        if (object !== undefined) this.#tell(object, describeIndexProgress(row));
      }
    } catch {
      // The build itself meets whatever is wrong with the server.
    }
    if (this.#building.size > 0) this.#timer = setTimeout(() => void this.#look(), INTERVAL_MS);
  }
}

const SELECT_PROGRESS = `
  select pid, phase, blocks_done::text, blocks_total::text, tuples_done::text, tuples_total::text
    from pg_catalog.pg_stat_progress_create_index where pid = any ($1::int[])`;
const INTERVAL_MS = 5_000;
