import type { Request, Response } from 'express';
import { type EventPosition, START_OF_EVENTS, parseEventPosition } from '@bunnydb/event-store';
import { mirrorStream } from '../../core/control-event.js';
import { eventObject } from '../../core/view/event-object.js';
import type { ControlStore } from '../catalog/control-store.js';
import { type MirrorRow, readMirrorById } from '../catalog/read-mirrors.js';
import type { EventBells } from '../event-bells.js';
import type { MirrorViews } from '../mirror-views.js';
import { Problem } from './problem.js';
import { SseClient } from './sse-client.js';

const STREAMS_MAX = 200;
const HISTORY_EVENTS = 500;
const PROGRESS_EVERY_MS = 1_000;

/**
 * A mirror's history followed live, as server-sent events:
 *
 *     id: 17 / event: mirror_paused / data: {event object}     an event; `Last-Event-ID` goes on behind it
 *     event: progress / data: {status, phase, lag, rates, snapshot}    about once a second, when it changed
 *     event: end                                               the mirror is dropped
 *
 * A client that does not read is waited for; nothing is buffered for it beyond its socket.
 */
export class MirrorEventStreams {
  readonly #store: ControlStore;
  readonly #views: MirrorViews;
  readonly #bells: EventBells;
  readonly #stopping: AbortSignal;
  #open = 0;

  constructor(options: {
    readonly store: ControlStore;
    readonly views: MirrorViews;
    readonly bells: EventBells;
    readonly stopping: AbortSignal;
  }) {
    this.#store = options.store;
    this.#views = options.views;
    this.#bells = options.bells;
    this.#stopping = options.stopping;
  }

  /** Serves one client until it leaves, the mirror is dropped, or the process stops. */
  async serve(row: MirrorRow, request: Request, response: Response): Promise<void> {
    if (this.#open >= STREAMS_MAX) {
      throw new Problem(503, 'too many event streams are open', { retryAfterSeconds: 10 });
    }
    const left = new AbortController();
    const leave = (): void => left.abort();
    request.on('close', leave);
    this.#stopping.addEventListener('abort', leave, { once: true });
    const bell = this.#bells.hang();
    this.#open += 1;
    try {
      const client = new SseClient(response, left.signal);
      const progress = new ProgressTeller(client);
      let after = await this.#sendHistory(client, row, lastEventId(request));
      while (!left.signal.aborted) {
        after = await this.#sendEvents(client, row, after);
        const current = await readMirrorById(this.#store.catalog, row.mirror_id);
        if (!current) {
          await client.send('event: end\ndata: {}\n\n');
          return;
        }
        await progress.tell(await this.#progress(current));
        await bell.wait(PROGRESS_EVERY_MS, left.signal);
      }
    } catch (error) {
      // A client that went away in the middle of a write is no failure.
      if (!left.signal.aborted) throw error;
    } finally {
      this.#open -= 1;
      this.#bells.take(bell);
      this.#stopping.removeEventListener('abort', leave);
      response.end();
    }
  }

  /** Without a place to go on from: the latest part of the history. */
  async #sendHistory(
    client: SseClient,
    row: MirrorRow,
    last: EventPosition | undefined,
  ): Promise<EventPosition> {
    if (last !== undefined) return last;
    const page = await this.#store.events.loadPage(mirrorStream(row.mirror_id), {
      after: START_OF_EVENTS,
      limit: HISTORY_EVENTS,
      order: 'newest_first',
    });
    for (const event of page.toReversed()) await client.send(sseEvent(eventObject(event)));
    return page[0]?.position ?? START_OF_EVENTS;
  }

  async #sendEvents(
    client: SseClient,
    row: MirrorRow,
    after: EventPosition,
  ): Promise<EventPosition> {
    let reached = after;
    for (;;) {
      const page = await this.#store.events.loadPage(mirrorStream(row.mirror_id), {
        after: reached,
        limit: HISTORY_EVENTS,
        order: 'oldest_first',
      });
      for (const event of page) await client.send(sseEvent(eventObject(event)));
      const last = page.at(-1);
      if (!last) return reached;
      reached = last.position;
    }
  }

  async #progress(row: MirrorRow) {
    const view = await this.#views.summary(row);
    return {
      status: view.status,
      phase: view.phase,
      lag_bytes: view.lag_bytes,
      lag_seconds: view.lag_seconds,
      rows_per_second: view.rows_per_second,
      snapshot: view.snapshot,
      error_message: view.error_message,
      next_retry_at: view.next_retry_at,
    };
  }
}

/** Says only what is new, and keeps the connection alive when nothing is. */
class ProgressTeller {
  readonly #client: SseClient;
  #last = '';

  constructor(client: SseClient) {
    this.#client = client;
  }

  async tell(progress: object): Promise<void> {
    const text = JSON.stringify(progress);
    if (text === this.#last) return this.#client.keepAlive();
    this.#last = text;
    return this.#client.send(`event: progress\ndata: ${text}\n\n`);
  }
}

function sseEvent(event: ReturnType<typeof eventObject>): string {
  return `id: ${event.id}\nevent: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`;
}

function lastEventId(request: Request): EventPosition | undefined {
  const text = request.header('last-event-id');
  return text !== undefined && /^\d{1,15}$/.test(text) ? parseEventPosition(text) : undefined;
}
