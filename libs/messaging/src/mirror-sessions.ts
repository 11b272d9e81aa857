import {
  heartbeatSubject,
  retrySubject,
  type Heartbeat,
  type MirrorSpec,
  type ServiceName,
} from '@bunnydb/contracts';
import type { BackoffOptions } from '@bunnydb/failure';
import { startHeartbeat } from './heartbeat.js';
import { LeaseBook } from './lease.js';
import { MirrorBalancer } from './mirror-balancer.js';
import type { Messaging, Stop } from './messaging.js';
import { MirrorSession, type OpenSession } from './mirror-session.js';
import type { ClaimTurn } from './session-machine.js';
import { watchSpecs } from './watch-specs.js';

const FLUSH_MS = 1_500;
/** Each mirror that an instance has makes it claim the next one this much later, so that a less loaded one comes first, … */
const CLAIM_DELAY_PER_MIRROR_MS = 20;
/** … and each one that it has more than another is known to have, this share of the TTL. */
const CLAIM_DELAY_PER_TTL = 1 / 20;
const CLAIM_DELAY_MAX_MS = 1_000;

export interface MirrorSessionsOptions {
  readonly messaging: Messaging;
  readonly service: 'capture' | 'apply' | 'schema';
  readonly instance: string;
  readonly version?: string;
  readonly openSession: OpenSession;
  readonly signal: AbortSignal;
  /** How long to wait after failures; the policy's own times by default. */
  readonly backoff?: BackoffOptions;
  /** How often the specs are read in full. */
  readonly relistIntervalMs?: number;
}

/**
 * Runs a session for every mirror whose spec says `run` and whose lease this instance gets, until the signal aborts; then all
 * sessions end, their leases are given back, and the promise settles.
 *
 * Instances of one service share the mirrors evenly: who has most gives one after another to who has fewest (`mirror-balancer.ts`).
 *
 * A session that throws is started again by the failure policy: after a back-off, or when `bunny.retry.<mirror id>` or a newer generation of the
 * spec comes. `session_started`, `session_failed` and `session_recovered` are emitted here, never by the session.
 */
export async function runMirrorSessions(options: MirrorSessionsOptions): Promise<void> {
  const { messaging, service, instance, signal } = options;
  const sessions = new Map<string, MirrorSession>();
  const book = new LeaseBook(messaging, service, instance);
  const leasedMirrors = (): readonly string[] => mirrorsOf(sessions, true);

  const open = (mirrorId: string): MirrorSession => {
    const session = new MirrorSession({
      mirrorId,
      messaging,
      book,
      origin: { service, instance },
      openSession: options.openSession,
      claimDelayMs: (turn) =>
        claimDelayMs(messaging, { has: leasedMirrors().length, ahead: balancer.ahead }, turn),
      onLease: (id, has) => {
        if (has) balancer.noteClaim(id);
        heartbeat.soon();
      },
      ...(options.backoff === undefined ? {} : { backoff: options.backoff }),
    });
    sessions.set(mirrorId, session);
    return session;
  };
  const onSpec = (mirrorId: string, spec: MirrorSpec | undefined): void => {
    (sessions.get(mirrorId) ?? open(mirrorId)).see(spec);
    if (spec?.desired !== 'run') balancer.forget(mirrorId);
    forgetIdle(sessions, mirrorId);
  };

  const heartbeat = startHeartbeat({
    messaging,
    service,
    instance,
    version: options.version ?? 'unknown',
    mirrors: leasedMirrors,
  });
  const balancer = new MirrorBalancer({
    instance,
    mirrors: leasedMirrors,
    others: () => mirrorsOf(sessions, false),
    give: () => giveOne(sessions),
    claimFreed: (mirrorId) => sessions.get(mirrorId)?.claimFreed(),
    log: messaging.log,
    nowMs: () => performance.now(),
  });
  const endBalance = followBeats(messaging, service, balancer);
  const endRetries = messaging.subscribeJson(retrySubject('*'), (_body, subject) => {
    sessions.get(subject.slice(retrySubject('').length))?.retry();
  });
  try {
    await watchSpecs({
      messaging,
      onSpec,
      signal,
      ...(options.relistIntervalMs === undefined
        ? {}
        : { relistIntervalMs: options.relistIntervalMs }),
    });
  } finally {
    endRetries();
    endBalance();
    heartbeat.leave();
    await Promise.all([...sessions.values()].map((session) => session.stop(FLUSH_MS)));
    heartbeat.stop();
  }
}

/** Ids of the mirrors whose lease this instance has, or has not. */
function mirrorsOf(
  sessions: ReadonlyMap<string, MirrorSession>,
  leased: boolean,
): readonly string[] {
  return [...sessions]
    .filter(([, session]) => session.leased === leased)
    .map(([mirrorId]) => mirrorId);
}

function followBeats(messaging: Messaging, service: ServiceName, balancer: MirrorBalancer): Stop {
  return messaging.subscribeJson<Partial<Heartbeat>>(heartbeatSubject(service, '*'), (beat) => {
    const { instance, mirrors, leaving } = beat;
    if (typeof instance === 'string' && Array.isArray(mirrors)) {
      balancer.hear(instance, { mirrors, leaving: leaving === true });
    }
  });
}

/** A mirror that was deleted leaves nothing behind. */
function forgetIdle(sessions: Map<string, MirrorSession>, mirrorId: string): void {
  if (sessions.get(mirrorId)?.idle === true) {
    sessions.delete(mirrorId);
  }
}

/** Ends one session that can go on elsewhere without loss, for another instance to take the mirror. */
function giveOne(sessions: ReadonlyMap<string, MirrorSession>): string | undefined {
  for (const [mirrorId, session] of sessions) {
    if (!session.movable) continue;
    session.give();
    return mirrorId;
  }
  return undefined;
}

function claimDelayMs(
  { settings: { leaseTtlMs } }: Messaging,
  load: { readonly has: number; readonly ahead: number },
  turn: ClaimTurn,
): number {
  const loadMs = Math.max(
    load.has * CLAIM_DELAY_PER_MIRROR_MS,
    load.ahead * leaseTtlMs * CLAIM_DELAY_PER_TTL,
  );
  const pollMs = turn === 'first' ? 0 : leaseTtlMs / 5;
  const lastMs = turn === 'last' ? leaseTtlMs : 0;
  return Math.min(loadMs, CLAIM_DELAY_MAX_MS) + lastMs + pollMs * (0.5 + Math.random());
}
