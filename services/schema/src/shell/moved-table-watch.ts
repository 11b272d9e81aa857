import { type MirrorSpec, type ProgressWanted, progressSubject } from '@bunnydb/contracts';
import type { Messaging, SessionContext } from '@bunnydb/messaging';
import { type Lsn, compareLsn, formatLsn, parseLsn } from '@bunnydb/pg-model';
import type pg from 'pg';
import type { PlaceFindings } from '../core/source-places.js';
import { endOfWal } from './stream-patience.js';

export interface MovedTableWatchOptions {
  readonly spec: MirrorSpec;
  readonly messaging: Messaging;
  readonly emit: SessionContext['emit'];
}

/**
 * Tells of tables that have other names on the source, or are gone, once the stream has passed the moment at which that was seen: until then rows come under the names of before. They are told again
 * after a while, as long as the mirror has not followed them.
 */
export class MovedTableWatch {
  readonly #options: MovedTableWatchOptions;
  #seen = '';
  #seenAt: Lsn | undefined;
  #toldAtMs = -Infinity;

  constructor(options: MovedTableWatchOptions) {
    this.#options = options;
  }

  /** Whether there is nothing left to be told. */
  async look(
    source: pg.Client,
    destination: pg.Client,
    { moved, gone }: PlaceFindings,
  ): Promise<boolean> {
    const { spec, messaging, emit } = this.#options;
    const tables = [
      ...moved.map(({ mapping, calledNow }) => ({ table: mapping.source, to: calledNow })),
      ...gone.map(({ mapping }) => ({ table: mapping.source, to: null })),
    ];
    const seen = JSON.stringify(tables);
    if (seen !== this.#seen) {
      this.#seen = seen;
      this.#seenAt = tables.length === 0 ? undefined : await endOfWal(source);
      this.#toldAtMs = -Infinity;
    }
    if (this.#seenAt === undefined) return true;
    const isDue = performance.now() - this.#toldAtMs >= TELL_AGAIN_MS;
    if (!isDue) return false;
    if (!(await hasPassed(destination, spec, this.#seenAt))) {
      const wanted: ProgressWanted = { lsn: formatLsn(this.#seenAt) };
      messaging.publishJson(progressSubject(spec.id), wanted);
      return false;
    }
    await emit('tables_moved', { tables });
    this.#toldAtMs = performance.now();
    return false;
  }
}

async function hasPassed(destination: pg.Client, spec: MirrorSpec, lsn: Lsn): Promise<boolean> {
  const { rows } = await destination.query<{ lsn: string }>(
    `select lsn::text as lsn from _bunny.position where mirror_id = $1`,
    [spec.id],
  );
  return rows[0] !== undefined && compareLsn(parseLsn(rows[0].lsn), lsn) >= 0;
}

const TELL_AGAIN_MS = 300_000;
