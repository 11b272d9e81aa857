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
  /** From now on it tells that it gives its mirrors back, so that nobody takes it for one that has room for more. */
  readonly leave: () => void;
  /** Says the last word. */
  readonly stop: Stop;
}

/** Says every two seconds that the service is alive. */
export function startHeartbeat(options: HeartbeatOptions): RunningHeartbeat {
  const { messaging, service, instance, version, mirrors } = options;
  const subject = heartbeatSubject(service, subjectToken(instance));
  let early: NodeJS.Timeout | undefined;
  let leaving = false;
  const beat = (): void => {
    clearTimeout(early);
    early = undefined;
    const heartbeat: Heartbeat = {
      ...{ v: 1, service, instance, version },
      at: new Date().toISOString(),
      mirrors: mirrors(),
      rss_bytes: process.memoryUsage.rss(),
      ...(leaving ? { leaving } : {}),
    };
    messaging.publishJson(subject, heartbeat);
  };
  beat();
  const timer = setInterval(beat, HEARTBEAT_INTERVAL_MS);
  timer.unref();
  return {
    soon: () => {
      // Many changes in a row are one message.
      early ??= setTimeout(beat, SOON_MS);
    },
    leave: () => {
      leaving = true;
    },
    stop: () => {
      clearInterval(timer);
      beat();
    },
  };
}

/** A host name may hold dots, which would be further tokens of the subject. */
function subjectToken(instance: string): string {
  return instance.replaceAll(/[^A-Za-z0-9_-]/g, '_');
}
