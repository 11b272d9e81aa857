import { setTimeout as sleep } from 'node:timers/promises';
import { SPEC_BUCKET, type MirrorSpec } from '@bunnydb/contracts';
import { KvWatchInclude, type KvEntry } from '@nats-io/kv';
import type { QueuedIterator } from '@nats-io/transport-node';
import { ensureControlStreams } from './control-streams.js';
import type { Messaging } from './messaging.js';
import { toMessagingError } from './nats-failure.js';
import { parseSpecEntry } from './spec-store.js';
import { SpecView, type SpecEntry } from './spec-view.js';
import { waitForRetry, waitUntilConnected } from './wait-for-retry.js';

const RELIST_INTERVAL_MS = 15_000;
const RETRY_WAIT_MS = 500;
const BUCKET_STREAM = `KV_${SPEC_BUCKET}`;
const BUCKET_PREFIX = `$KV.${SPEC_BUCKET}.`;

export interface WatchSpecsOptions {
  readonly messaging: Messaging;
  /** Called with each new state of a mirror, and with undefined when its spec was removed. Must not throw. */
  readonly onSpec: (mirrorId: string, spec: MirrorSpec | undefined) => void;
  readonly signal: AbortSignal;
  /** How often the whole bucket is read again; 15 seconds by default. */
  readonly relistIntervalMs?: number;
}

/**
 * Follows the desired state of every mirror until the signal aborts. The watch brings a change at once; because a watch can be lost
 * without a word (a restarted server, a bucket that was deleted and made again), the bucket is read in full after each
 * reconnect and every 15 seconds, and differences are told the same way.
 *
 * A removed spec is told at once. One that is missing without a mark of its removal (the bucket was lost; control writes it again
 * within 30 seconds) is told only after several readings in a row have missed it.
 */
export async function watchSpecs(options: WatchSpecsOptions): Promise<void> {
  const { messaging, signal } = options;
  const view = new SpecView(options.onSpec);
  while (!signal.aborted && !messaging.nc.isClosed()) {
    await waitUntilConnected(messaging, signal);
    try {
      await ensureControlStreams(messaging, { signal });
      await watchOneLife(options, view);
    } catch (error) {
      if (!signal.aborted) {
        const { kind } = toMessagingError(error);
        messaging.log.warn({ bucket: SPEC_BUCKET, kind }, 'watching was interrupted, trying again');
        await waitForRetry(messaging, RETRY_WAIT_MS, signal);
      }
    }
  }
}

/** Watches one life of the bucket; returns or throws when the watch has to be opened again. */
async function watchOneLife(options: WatchSpecsOptions, view: SpecView): Promise<void> {
  const { messaging, signal } = options;
  const life = await createdAt(messaging);
  view.beginLife(life);
  const bucket = await messaging.bucket(SPEC_BUCKET);
  const watch = await bucket.watch({ include: KvWatchInclude.UpdatesOnly });
  const over = new AbortController();
  const end = (): void => over.abort();
  const forget = messaging.onReconnect(end);
  signal.addEventListener('abort', end, { once: true });
  if (signal.aborted) {
    // It aborted while the watch was being opened, before anybody listened.
    end();
  }
  const following = follow(watch, view).finally(end);
  try {
    // The watch is open before the first reading, so that no change falls between the two.
    while (!over.signal.aborted) {
      view.applyReading(await readAll(messaging));
      const waitMs = options.relistIntervalMs ?? RELIST_INTERVAL_MS;
      await sleep(waitMs, undefined, { signal: over.signal }).catch(() => undefined);
      // Asking over a broken connection would only wait for a timeout; the reconnect ends this watch.
      await waitUntilConnected(messaging, over.signal);
      if (over.signal.aborted || (await createdAt(messaging)) !== life) {
        return;
      }
    }
  } finally {
    forget();
    signal.removeEventListener('abort', end);
    watch.stop();
    await following.catch(() => undefined);
  }
}

async function follow(watch: QueuedIterator<KvEntry>, view: SpecView): Promise<void> {
  for await (const entry of watch) {
    view.apply({ mirrorId: entry.key, revision: entry.revision, spec: parseSpecEntry(entry) });
  }
}

async function createdAt(messaging: Messaging): Promise<string> {
  const info = await messaging.jsm.streams.info(BUCKET_STREAM);
  return info.created;
}

/** Reads every key with its last entry, the marks of removed ones too. */
async function readAll(messaging: Messaging): Promise<readonly SpecEntry[]> {
  const info = await messaging.jsm.streams.info(BUCKET_STREAM, {
    subjects_filter: `${BUCKET_PREFIX}>`,
  });
  const bucket = await messaging.bucket(SPEC_BUCKET);
  const entries: SpecEntry[] = [];
  for (const subject of Object.keys(info.state.subjects ?? {})) {
    const key = subject.slice(BUCKET_PREFIX.length);
    const entry = await bucket.get(key);
    if (entry !== null) {
      entries.push({ mirrorId: key, revision: entry.revision, spec: parseSpecEntry(entry) });
    }
  }
  return entries;
}
