import type { EventPosition } from '@bunnydb/event-store';
import { isMirrorEvent } from '../core/control-event.js';
import {
  SYNC_BEGUN,
  type SyncEnd,
  type SyncWatch,
  watchSync,
} from '../core/mirror/sync-outcome.js';
import type { ControlStore } from './catalog/control-store.js';
import type { EventBells } from './event-bells.js';

const PAGE_EVENTS = 500;
const LOOK_EVERY_MS = 1_000;
const WAIT_MAX_MS = 3_600_000;

export interface SyncWait {
  readonly store: ControlStore;
  readonly bells: EventBells;
  readonly streamId: string;
  /** Position of something in the stream before the request. */
  readonly after: EventPosition;
  /** Id of the event that recorded the request. */
  readonly requestId: string;
  /** Aborts when nobody waits any more. */
  readonly signal: AbortSignal;
}

/** Waits for the end of a sync, at most an hour; null when that is over or nobody waits any more. The sync goes on in any case. */
export async function waitForSync(wait: SyncWait): Promise<SyncEnd | null> {
  const bell = wait.bells.hang();
  const deadlineMs = Date.now() + WAIT_MAX_MS;
  let after = wait.after;
  let isBegun = false;
  let watch: SyncWatch = SYNC_BEGUN;
  try {
    while (!wait.signal.aborted && Date.now() < deadlineMs) {
      const page = await wait.store.events.loadPage(wait.streamId, {
        after,
        limit: PAGE_EVENTS,
        order: 'oldest_first',
      });
      for (const { event, eventId, position } of page) {
        after = position;
        if (isBegun && isMirrorEvent(event)) watch = watchSync(watch, event);
        if (eventId === wait.requestId) isBegun = true;
      }
      if (watch.end) return watch.end;
      if (page.length < PAGE_EVENTS) await bell.wait(LOOK_EVERY_MS, wait.signal);
    }
    return null;
  } finally {
    wait.bells.take(bell);
  }
}
