import type { MirrorSpec } from '@bunnydb/contracts';
import { runMirrorSessions, type Messaging, type SessionContext } from '../src/index.js';

export interface OpenedSession {
  readonly instance: string;
  readonly spec: MirrorSpec;
  readonly context: SessionContext;
  /** Set when the session has ended. */
  ended: boolean;
  readonly fail: (error: Error) => void;
}

export interface SessionWorker {
  readonly messaging: Messaging;
  readonly opened: readonly OpenedSession[];
  readonly live: () => readonly OpenedSession[];
  readonly stop: () => Promise<void>;
}

/** An instance of capture whose sessions do nothing until the test fails or ends them. */
export function startSessionWorker(messaging: Messaging, instance: string): SessionWorker {
  const opened: OpenedSession[] = [];
  const stopping = new AbortController();
  const running = runMirrorSessions({
    messaging,
    service: 'capture',
    instance,
    openSession: (spec, context) =>
      new Promise((resolve, reject) => {
        const session: OpenedSession = { instance, spec, context, ended: false, fail: reject };
        opened.push(session);
        context.signal.addEventListener('abort', () => {
          session.ended = true;
          resolve();
        });
      }),
    signal: stopping.signal,
    backoff: { firstDelayMs: 100, maxDelayMs: 400 },
    relistIntervalMs: 300,
  });
  return {
    messaging,
    opened,
    live: () => opened.filter((session) => !session.ended),
    stop: async () => {
      stopping.abort();
      await running;
    },
  };
}
