import { setTimeout as sleep } from 'node:timers/promises';
import {
  ALL_COMMANDS,
  ALL_EVENTS,
  COMMAND_STREAM,
  EVENT_STREAM,
  LEASE_BUCKET,
  SPEC_BUCKET,
} from '@bunnydb/contracts';
import { MirrorError } from '@bunnydb/failure';
import { DiscardPolicy, RetentionPolicy, StorageType, type StreamConfig } from '@nats-io/jetstream';
import { nanos } from '@nats-io/transport-node';
import type { Messaging, MessagingSettings } from './messaging.js';
import { isMissingResource, isRefusedSubject, toMessagingError } from './nats-failure.js';

const DAY_MS = 86_400_000;
const DEDUPE_WINDOW_MS = 120_000;
const ENSURE_DEADLINE_MS = 60_000;
const RETRY_WAIT_MS = 500;

type ControlStreamConfig = Partial<StreamConfig> & Pick<StreamConfig, 'name' | 'subjects'>;

export interface EnsureOptions {
  readonly signal?: AbortSignal;
  readonly deadlineMs?: number;
}

/**
 * Makes the command stream, the event stream and both buckets, or brings their configuration in line. Safe to call at any time
 * and from every process; it is retried while JetStream is not ready, and while a process that may not make them waits for control.
 *
 * @throws MirrorError at the deadline.
 */
export async function ensureControlStreams(
  messaging: Messaging,
  options: EnsureOptions = {},
): Promise<void> {
  const giveUpAt = Date.now() + (options.deadlineMs ?? ENSURE_DEADLINE_MS);
  for (const config of controlStreamConfigs(messaging.settings)) {
    for (;;) {
      try {
        await ensureStream(messaging, config);
        break;
      } catch (error) {
        if (options.signal?.aborted === true || Date.now() + RETRY_WAIT_MS > giveUpAt) {
          throw toMessagingError(error, { stream: config.name });
        }
      }
      await sleep(RETRY_WAIT_MS, undefined, { signal: options.signal }).catch(() => undefined);
    }
  }
}

/** Who may not make the streams: where NATS has permissions, they are control's, with control's settings. */
const refused = new WeakSet<Messaging>();

async function ensureStream(messaging: Messaging, config: ControlStreamConfig): Promise<void> {
  const existing = await messaging.jsm.streams.info(config.name).catch((error: unknown) => {
    if (isMissingResource(error)) {
      return undefined;
    }
    throw error;
  });
  if (existing !== undefined && holds(existing.config, config)) {
    return;
  }
  if (refused.has(messaging)) {
    if (existing === undefined) {
      throw new MirrorError('messaging_unavailable', 'the control streams are not there yet');
    }
    return;
  }
  try {
    if (existing === undefined) {
      await messaging.jsm.streams.add(config);
      return;
    }
    // Retention and storage of a stream cannot be changed; the rest can, and the server says so if not.
    await messaging.jsm.streams.update(config.name, config);
    messaging.log.info({ stream: config.name }, 'the configuration of a stream was updated');
  } catch (error) {
    if (!isRefusedSubject(error)) {
      throw error;
    }
    refused.add(messaging);
    messaging.log.info({ stream: config.name }, 'the control streams are made by control only');
    await ensureStream(messaging, config);
  }
}

/** True when `actual` has every setting of `wanted`. */
function holds(actual: StreamConfig, wanted: ControlStreamConfig): boolean {
  const settings = new Map<string, unknown>(Object.entries(actual));
  return Object.entries(wanted).every(
    ([name, value]) => JSON.stringify(settings.get(name)) === JSON.stringify(value),
  );
}

/** Every option that matters, explicitly; exported for its test. */
export function controlStreamConfigs(settings: MessagingSettings): readonly ControlStreamConfig[] {
  return [
    {
      name: COMMAND_STREAM,
      description: 'BunnyDB: one-off work for the services, removed when it is done.',
      subjects: [ALL_COMMANDS],
      retention: RetentionPolicy.Workqueue,
      storage: StorageType.File,
      discard: DiscardPolicy.New,
      max_bytes: 64 * 1024 ** 2,
      max_age: nanos(7 * DAY_MS),
      duplicate_window: nanos(DEDUPE_WINDOW_MS),
      num_replicas: settings.replicas,
      allow_direct: true,
    },
    {
      name: EVENT_STREAM,
      description: 'BunnyDB: what the services report; control keeps it in the catalog.',
      subjects: [ALL_EVENTS],
      retention: RetentionPolicy.Limits,
      storage: StorageType.File,
      discard: DiscardPolicy.Old,
      max_bytes: 256 * 1024 ** 2,
      max_age: nanos(30 * DAY_MS),
      duplicate_window: nanos(DEDUPE_WINDOW_MS),
      num_replicas: settings.replicas,
      allow_direct: true,
    },
    {
      ...bucketConfig(SPEC_BUCKET, settings),
      description: 'BunnyDB: the desired state of every mirror.',
      max_bytes: 128 * 1024 ** 2,
      max_age: 0,
      duplicate_window: nanos(DEDUPE_WINDOW_MS),
    },
    {
      ...bucketConfig(LEASE_BUCKET, settings),
      description: 'BunnyDB: which instance works on which mirror.',
      max_bytes: 16 * 1024 ** 2,
      max_age: nanos(settings.leaseTtlMs),
      // The server refuses a window that is longer than the maximum age.
      duplicate_window: nanos(Math.min(settings.leaseTtlMs, DEDUPE_WINDOW_MS)),
    },
  ];
}

/** A bucket is a stream with the KV naming and one message a key. */
function bucketConfig(bucket: string, settings: MessagingSettings): ControlStreamConfig {
  return {
    name: `KV_${bucket}`,
    subjects: [`$KV.${bucket}.>`],
    retention: RetentionPolicy.Limits,
    storage: StorageType.File,
    discard: DiscardPolicy.New,
    max_msgs_per_subject: 1,
    num_replicas: settings.replicas,
    allow_direct: true,
    allow_rollup_hdrs: true,
    deny_delete: true,
  };
}
