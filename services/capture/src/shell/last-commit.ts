import { Header, decodeCommitHead } from '@bunnydb/change-stream';
import { commitSubject } from '@bunnydb/contracts';
import { MirrorError } from '@bunnydb/failure';
import type { Messaging } from '@bunnydb/messaging';
import { JetStreamApiError, type StoredMsg } from '@nats-io/jetstream';
import type { StreamFacts } from '../core/start-position.js';

/** The stream that is looked into. */
export interface StreamPlace {
  readonly name: string;
  readonly mirrorId: string;
  readonly mirrorName: string;
  readonly firstSequence: number;
}

/**
 * Finds the last commit message that capture wrote. Nearly always it is the last one on its subject. But whoever reaches the server can
 * publish there; such a message is passed over by looking further back, in windows that grow, with a limit to what is looked at.
 *
 * @throws MirrorError `protocol_violation` when there are too many strangers' messages to go on.
 */
export async function findLastCommit(
  messaging: Messaging,
  place: StreamPlace,
): Promise<StreamFacts['lastCommit']> {
  const subject = commitSubject(place.mirrorName);
  const last = await messaging.jsm.streams
    .getMessage(place.name, { last_by_subj: subject })
    .catch(nullIfNoMessage);
  if (!last) return undefined;
  const own = ownCommit(last);
  if (own) return own;
  messaging.log.warn(
    { mirror: place.mirrorId, stream: place.name, sequence: last.seq },
    'a message that is not ours ends the change stream; it is passed over',
  );
  let looksLeft = LOOKS_MAX;
  for (let until = last.seq, width = 1; until > place.firstSequence; width *= 4) {
    const from = Math.max(place.firstSequence, last.seq - width);
    const window = await lastOwnIn(messaging, place, { from, until, looksLeft });
    if (window.own) return window.own;
    looksLeft = window.looksLeft;
    until = from;
  }
  return undefined;
}

async function lastOwnIn(
  messaging: Messaging,
  place: StreamPlace,
  window: { readonly from: number; readonly until: number; readonly looksLeft: number },
): Promise<{ readonly own: StreamFacts['lastCommit']; readonly looksLeft: number }> {
  const subject = commitSubject(place.mirrorName);
  let own: StreamFacts['lastCommit'];
  let { looksLeft } = window;
  for (let at = window.from; at < window.until;) {
    if (looksLeft-- === 0) {
      const words = 'the change stream ends with too many messages that are not of this mirror';
      throw new MirrorError('protocol_violation', words, { detail: { stream: place.name } });
    }
    const message = await messaging.jsm.direct
      .getMessage(place.name, { seq: at, next_by_subj: subject })
      .catch(nullIfNoMessage);
    if (!message || message.seq >= window.until) break;
    own = ownCommit(message) ?? own;
    at = message.seq + 1;
  }
  return { own, looksLeft };
}

/** What capture's commit message tells; undefined if it is somebody else's. */
function ownCommit(message: StoredMsg): StreamFacts['lastCommit'] {
  try {
    const { lastLsn, batch } = decodeCommitHead(message.header);
    const epochMs = Number(message.header.get(Header.Epoch));
    if (batch === '' || !Number.isSafeInteger(epochMs) || epochMs <= 0) return undefined;
    return { lastLsn, epochMs, sequence: message.seq };
  } catch (error) {
    if (error instanceof MirrorError && error.kind === 'protocol_violation') return undefined;
    throw error;
  }
}

function nullIfNoMessage(error: unknown): null {
  if (error instanceof JetStreamApiError && NO_MESSAGE.has(error.code)) return null;
  throw error;
}

/** JetStream's own code, and the status of the direct way. */
const NO_MESSAGE: ReadonlySet<number> = new Set([10037, 404]);
const LOOKS_MAX = 2_000;
