import { type Lsn, compareLsn, parseLsn } from '@bunnydb/pg-model';
import type pg from 'pg';
import { type TablePlace, waitsForStream } from '../core/poll-policy.js';
import type { StructureChange } from '../core/structure-change.js';

/**
 * Lets changes that tighten wait until the stream has passed the moment at which they were seen. The catalog may be ahead of the stream: a row that comes before the constraint
 * may not fit it, and one of an older shape needs the default that stands in for what the source has stored.
 */
export class StreamPatience {
  readonly #seenAt = new Map<string, Lsn>();

  /** Whether a change that waited need not wait any longer. */
  isDue(position: string | null): boolean {
    return [...this.#seenAt.values()].some((lsn) => isPassed(lsn, position));
  }

  /** Those of the pending changes that may be made. */
  async due(
    source: pg.Client,
    position: string | null,
    pending: readonly StructureChange[],
    places: readonly TablePlace[],
  ): Promise<readonly StructureChange[]> {
    const waiting = pending.filter((change) => waitsForStream(change, places));
    const ids = new Set(waiting.map((change) => change.id));
    for (const id of this.#seenAt.keys()) if (!ids.has(id)) this.#seenAt.delete(id);
    const fresh = waiting.filter((change) => !this.#seenAt.has(change.id));
    if (fresh.length > 0) {
      const lsn = await endOfWal(source);
      for (const change of fresh) this.#seenAt.set(change.id, lsn);
    }
    const isWaiting = (change: StructureChange): boolean => {
      const seenAt = this.#seenAt.get(change.id);
      return seenAt !== undefined && !isPassed(seenAt, position);
    };
    // A label that is added has its place beside others, under the names that they have then.
    const types = new Set(
      pending.flatMap((change) => (change.table === '' && isWaiting(change) ? change.object : [])),
    );
    return pending.filter(
      (change) => !isWaiting(change) && !(change.table === '' && types.has(change.object)),
    );
  }
}

/**
 * Where the source's WAL ends, behind all that the catalog shows: with `synchronous_commit` off, a transaction is seen before its WAL is written, so that what is written ends
 * earlier.
 */
export async function endOfWal(source: pg.Client): Promise<Lsn> {
  const { rows } = await source.query<{ lsn: string }>(
    `select pg_catalog.pg_current_wal_insert_lsn()::text as lsn`,
  );
  return parseLsn(rows[0]?.lsn ?? '0/0');
}

function isPassed(lsn: Lsn, position: string | null): boolean {
  return position !== null && compareLsn(parseLsn(position), lsn) >= 0;
}
