import { heartbeatSubject, type Heartbeat, type ServiceName } from '@bunnydb/contracts';
import type { Messaging, Stop } from './messaging.js';

export const HEARTBEAT_INTERVAL_MS = 2_000;
const SOON_MS = 50;

export interface HeartbeatOptions {
  readonly messaging: Messaging;
  readonly service: ServiceName;
  readonly instance: string;
  readonly version: string;
  /** Ids of the mirrors that this instance works on at the moment. */
  readonly mirrors: () => readonly string[];
}

/** A heartbeat that was started. */
export interface RunningHeartbeat {
  /** What it tells has changed: the others hear of it at once. */
  readonly soon: () => void;
  readonly stop: Stop;
}

/** Says every two seconds that the service is alive. */
export function startHeartbeat(options: HeartbeatOptions): RunningHeartbeat {
  const beat = (): void => {
    const heartbeat: Heartbeat = {
      v: 1,
      service: options.service,
      instance: options.instance,
      version: options.version,
      at: new Date().toISOString(),
      mirrors: options.mirrors(),
      rss_bytes: process.memoryUsage.rss(),
    };
    options.messaging.publishJson(subject, heartbeat);
  };
  const subject = heartbeatSubject(options.service, subjectToken(options.instance));
  beat();
  const timer = setInterval(beat, HEARTBEAT_INTERVAL_MS);
  timer.unref();
  let early: NodeJS.Timeout | undefined;
  return {
    soon: () => {
      // Many changes in a row are one message.
      early ??= setTimeout(() => {
        early = undefined;
        beat();
      }, SOON_MS);
    },
    stop: () => {
      clearInterval(timer);
      clearTimeout(early);
    },
  };
}

/** A host name may hold dots, which would be further tokens of the subject. */
function subjectToken(instance: string): string {
  return instance.replaceAll(/[^A-Za-z0-9_-]/g, '_');
}
