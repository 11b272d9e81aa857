import { setTimeout as sleep } from 'node:timers/promises';
import type { Messaging } from '@bunnydb/messaging';
import { type QualifiedName, formatQualifiedName } from '@bunnydb/pg-model';
import type { Request, Response } from 'express';
import type { Kysely } from 'kysely';
import { ChangeWindow, type SeenChanges } from '../../core/changes/change-window.js';
import type { CatalogTables } from '../catalog/catalog-tables.js';
import { type MirrorRow, readMirrorById } from '../catalog/read-mirrors.js';
import { followTable } from '../follow-table.js';
import { Bell } from '../process/bell.js';
import { Problem } from './problem.js';
import { SseClient } from './sse-client.js';

const STREAMS_MAX = 20;
/** Changes that a client is told at a time; of more the latest. */
const ROWS_MAX = 200;
/** Between two tellings; a table may have thousands of changes in it. */
const TELL_EVERY_MS = 500;
const LOOK_EVERY_MS = 15_000;
/** A client comes back by itself and is asked for its token again. */
const LIFETIME_MS = 600_000;
const PATIENCE_MS = 15_000;

export interface TableWish {
  readonly table: QualifiedName;
  /** Whether to begin with the latest changes that the stream still has. */
  readonly withLatest: boolean;
}

/**
 * The changes of one table, live, as server-sent events:
 *
 *     id: 4711                                      where to go on (`Last-Event-ID`)
 *     event: changes / data: [{change}, …]          in the order of the source
 *     event: left_out / data: {"changes": 1200}     that many came before these and are not told: more than anybody reads
 *     event: end                                    the mirror is dropped
 */
export class TableChangeStreams {
  readonly #catalog: Kysely<CatalogTables>;
  readonly #messaging: Messaging;
  readonly #stopping: AbortSignal;
  #open = 0;

  constructor(options: {
    readonly catalog: Kysely<CatalogTables>;
    readonly messaging: Messaging;
    readonly stopping: AbortSignal;
  }) {
    this.#catalog = options.catalog;
    this.#messaging = options.messaging;
    this.#stopping = options.stopping;
  }

  /** Serves one client until it leaves, the mirror is dropped, or the process stops. */
  async serve(
    row: MirrorRow,
    wish: TableWish,
    request: Request,
    response: Response,
  ): Promise<void> {
    if (this.#open >= STREAMS_MAX) {
      throw new Problem(503, 'too many tables are followed', { retryAfterSeconds: 10 });
    }
    const left = new AbortController();
    const leave = (): void => left.abort();
    response.on('close', leave);
    this.#stopping.addEventListener('abort', leave, { once: true });
    const window = new ChangeWindow(formatQualifiedName(wish.table), ROWS_MAX);
    const bell = new Bell();
    const after = lastEventId(request);
    this.#open += 1;
    const following = followTable({
      messaging: this.#messaging,
      mirror: { id: row.mirror_id, name: row.name },
      table: wish.table,
      window,
      ...(after === undefined ? {} : { after }),
      withLatest: wish.withLatest,
      onNews: () => bell.ring(),
      signal: left.signal,
    });
    try {
      await this.#tell(row, window, bell, new SseClient(response, left.signal, PATIENCE_MS), left);
    } catch (error) {
      // A client that went away in the middle of a write is no failure.
      if (!left.signal.aborted) throw error;
    } finally {
      left.abort();
      this.#stopping.removeEventListener('abort', leave);
      response.end();
      await following;
      this.#open -= 1;
    }
  }

  async #tell(
    row: MirrorRow,
    window: ChangeWindow,
    bell: Bell,
    client: SseClient,
    left: AbortController,
  ): Promise<void> {
    const until = Date.now() + LIFETIME_MS;
    let lookAt = Date.now() + LOOK_EVERY_MS;
    while (!left.signal.aborted && Date.now() < until) {
      const seen = window.take();
      if (seen) await client.send(eventsOf(seen));
      else await client.keepAlive();
      if (Date.now() > lookAt) {
        lookAt = Date.now() + LOOK_EVERY_MS;
        if (!(await readMirrorById(this.#catalog, row.mirror_id))) {
          await client.send('event: end\ndata: {}\n\n');
          return;
        }
      }
      await sleep(TELL_EVERY_MS, undefined, { signal: left.signal }).catch(() => undefined);
      await bell.wait(LOOK_EVERY_MS, left.signal);
    }
  }
}

function eventsOf({ changes, leftOut, reached }: SeenChanges): string {
  const gap = leftOut === 0 ? '' : `event: left_out\ndata: {"changes":${leftOut}}\n\n`;
  // An id without data only moves the place to go on from.
  const told = changes.length === 0 ? '' : `event: changes\ndata: ${JSON.stringify(changes)}\n`;
  return `${gap}id: ${reached}\n${told}\n`;
}

function lastEventId(request: Request): number | undefined {
  const text = request.header('last-event-id');
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}
