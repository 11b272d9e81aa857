import type { ServiceName } from '@bunnydb/contracts';
import type { MirrorState } from '../mirror/mirror-state.js';
import { currentFailure } from '../mirror/mirror-status.js';

/** What heartbeats tell of one service and one mirror. */
export interface WorkerSeen {
  readonly service: ServiceName;
  /** Whether any instance of the service is there. */
  readonly isAlive: boolean;
  /** For how long no instance has said that it works on the mirror. */
  readonly silentMs: number;
}

/** Nobody moves the mirror, and no worker can say so. */
export interface Unattended {
  readonly message: string;
  readonly hint: string;
}

/**
 * A mirror that streams needs a capture and an apply. Whoever is gone tells nothing, and where nats-server cannot store, nobody can take a mirror
 * up or report that; so what is missing is told from here. Null while somebody works, or has said what keeps the mirror from going on.
 */
export function unattended(
  state: MirrorState,
  workers: readonly WorkerSeen[],
  isConnected: boolean,
): Unattended | null {
  if (state.tag !== 'streaming' || currentFailure(state) !== null) return null;
  const missing = workers.filter(({ silentMs }) => silentMs > PATIENCE_MS);
  const longest = Math.max(...missing.map(({ silentMs }) => silentMs));
  if (missing.length === 0) return null;
  const time = `${Math.round(longest / 1_000)} s`;
  if (!isConnected) {
    return {
      message: `nats-server cannot be reached; nothing was heard of the mirror for ${time}`,
      hint: 'Look whether nats-server runs and can be reached from this machine; the mirror goes on by itself.',
    };
  }
  const dead = missing.filter(({ isAlive }) => !isAlive).map(({ service }) => service);
  if (dead.length > 0) {
    return {
      message: `no instance of ${dead.join(' and ')} is there; nobody has worked on the mirror for ${time}`,
      hint: `Start ${dead.join(' and ')}, or look into the log for why it ended; the mirror goes on by itself.`,
    };
  }
  const idle = missing.map(({ service }) => service).join(' and ');
  return {
    message: `${idle} cannot take the mirror up; nobody has worked on it for ${time}`,
    hint: "nats-server most likely cannot store what it is sent. Where its log says 'no space left on device', make room and restart it; where it says that limits are exceeded, raise max_file_store.",
  };
}

/** A take-over after a death is done well before. */
const PATIENCE_MS = 15_000;
