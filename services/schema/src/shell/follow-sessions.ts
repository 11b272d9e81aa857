import type { MirrorSpec } from '@bunnydb/contracts';
import { FailureKind } from '@bunnydb/failure';
import { closeSession, connectClient, settingsOf, toMirrorError } from '@bunnydb/pg-client';
import type pg from 'pg';
import type { OpenSecret } from './peer-session.js';

export interface FollowSession {
  readonly source: pg.Client;
  readonly destination: pg.Client;
}

interface OpenSession extends FollowSession {
  /** What it is connected to. */
  readonly peers: string;
}

/** What is kept of a mirror: its sessions, who uses them, and when they are closed. */
interface Seat {
  session: OpenSession | undefined;
  /** Ends when everybody before is done: one at a time. */
  last: Promise<unknown>;
  users: number;
  idle: NodeJS.Timeout | undefined;
}

/**
 * Sessions that stay open for a while after a mirror's structure was followed: the stream waits for the answer, and connecting would take longer than answering. They are
 * bounded in number and in time.
 */
export class FollowSessions {
  readonly #openSecret: OpenSecret;
  readonly #signal: AbortSignal;
  readonly #seats = new Map<string, Seat>();

  constructor(openSecret: OpenSecret, signal: AbortSignal) {
    this.#openSecret = openSecret;
    this.#signal = signal;
  }

  /**
   * Runs work in the sessions of a mirror, after whoever uses them at the moment. A session that died while it was idle is replaced.
   *
   * @throws MirrorError, with the side that failed.
   */
  async use<Result>(
    spec: MirrorSpec,
    work: (session: FollowSession) => Promise<Result>,
  ): Promise<Result> {
    const seat = this.#seatOf(spec.id);
    seat.users += 1;
    clearTimeout(seat.idle);
    const turn = seat.last.then(
      () => this.#run(seat, spec, work),
      () => this.#run(seat, spec, work),
    );
    seat.last = turn;
    try {
      return await turn;
    } finally {
      seat.users -= 1;
      if (seat.users === 0) {
        const close = (): void => void this.#closeSeat(spec.id, seat);
        seat.idle = setTimeout(close, IDLE_MAX_MS).unref();
      }
    }
  }

  /** Closes all sessions that nobody uses. */
  async close(): Promise<void> {
    await Promise.all(
      [...this.#seats].map(async ([id, seat]) => {
        await seat.last.catch(() => undefined);
        await this.#closeSeat(id, seat);
      }),
    );
  }

  #seatOf(id: string): Seat {
    const known = this.#seats.get(id);
    // What was used last stands last.
    this.#seats.delete(id);
    const seat = known ?? {
      session: undefined,
      last: Promise.resolve(),
      users: 0,
      idle: undefined,
    };
    this.#seats.set(id, seat);
    if (this.#seats.size > SEATS_MAX) {
      const oldest = [...this.#seats].find(([, other]) => other.users === 0 && other !== seat);
      if (oldest) void this.#closeSeat(...oldest);
    }
    return seat;
  }

  async #run<Result>(
    seat: Seat,
    spec: MirrorSpec,
    work: (session: FollowSession) => Promise<Result>,
  ): Promise<Result> {
    const peers = JSON.stringify([spec.source, spec.destination]);
    if (seat.session !== undefined && seat.session.peers !== peers) await this.#drop(seat);
    const wasOpen = seat.session !== undefined;
    try {
      return await this.#attempt(seat, spec, peers, work);
    } catch (error) {
      if (!wasOpen || !isLost(error)) throw error;
      return await this.#attempt(seat, spec, peers, work);
    }
  }

  async #attempt<Result>(
    seat: Seat,
    spec: MirrorSpec,
    peers: string,
    work: (session: FollowSession) => Promise<Result>,
  ): Promise<Result> {
    seat.session ??= { ...(await this.#open(spec)), peers };
    try {
      return await work(seat.session);
    } catch (error) {
      // Whatever state they are in, the next one shall not find it.
      await this.#drop(seat);
      throw error;
    }
  }

  async #open(spec: MirrorSpec): Promise<FollowSession> {
    const connect = (role: 'source' | 'destination'): Promise<pg.Client> =>
      connectClient(settingsOf(spec[role], this.#openSecret, 'bunnydb schema follow'), {
        role,
        signal: this.#signal,
        lockTimeoutMs: LOCK_TIMEOUT_MS,
      });
    const [source, destination] = await Promise.allSettled([
      connect('source'),
      connect('destination'),
    ]);
    if (source.status === 'fulfilled' && destination.status === 'fulfilled') {
      return { source: source.value, destination: destination.value };
    }
    for (const side of [source, destination]) {
      if (side.status === 'fulfilled') await closeSession(side.value);
    }
    throw source.status === 'rejected' ? source.reason : reasonOf(destination);
  }

  async #drop(seat: Seat): Promise<void> {
    const { session } = seat;
    seat.session = undefined;
    if (session === undefined) return;
    await Promise.all([closeSession(session.source), closeSession(session.destination)]);
  }

  async #closeSeat(id: string, seat: Seat): Promise<void> {
    clearTimeout(seat.idle);
    if (seat.users > 0) return;
    if (this.#seats.get(id) === seat) this.#seats.delete(id);
    await this.#drop(seat);
  }
}

function reasonOf(result: PromiseSettledResult<unknown>): unknown {
  return result.status === 'rejected' ? result.reason : undefined;
}

/** Whether the connection was lost rather than something refused. */
function isLost(error: unknown): boolean {
  const { kind } = toMirrorError(error, { role: 'destination' });
  return LOST.has(kind);
}

const LOST: ReadonlySet<FailureKind> = new Set([
  FailureKind.SourceUnreachable,
  FailureKind.DestinationUnreachable,
  FailureKind.PeerUnreachable,
  FailureKind.ServerShuttingDown,
]);

/** Shorter than deadlock_timeout, so that we step back before somebody else is made to. */
const LOCK_TIMEOUT_MS = 900;
const IDLE_MAX_MS = 60_000;
const SEATS_MAX = 32;
