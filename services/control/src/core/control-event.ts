import { type MirrorEvent, isMirrorEventType } from './mirror/mirror-event.js';
import { type PeerEvent, isPeerEventType } from './peer/peer.js';
import { type UserEvent, isUserEventType } from './user/user.js';

/** Every event that the catalog holds. */
export type ControlEvent = MirrorEvent | PeerEvent | UserEvent;

/** Any event, before it is known whose it is. */
interface TaggedEvent {
  readonly type: string;
  readonly body: object;
}

export const isMirrorEvent = (event: TaggedEvent): event is MirrorEvent =>
  isMirrorEventType(event.type);
export const isPeerEvent = (event: TaggedEvent): event is PeerEvent => isPeerEventType(event.type);
export const isUserEvent = (event: TaggedEvent): event is UserEvent => isUserEventType(event.type);

/**
 * Reads an event as the catalog stores it. What stands there was written by this code, so its tag vouches for its body; an unknown
 * tag means that a newer version wrote it.
 */
export function decodeControlEvent(type: string, body: unknown): ControlEvent {
  if (!isMirrorEventType(type) && !isPeerEventType(type) && !isUserEventType(type)) {
    throw new Error(`the catalog holds an event of an unknown type: ${type}`);
  }
  return { type, body } as ControlEvent;
}

export const mirrorStream = (mirrorId: string): string => `mirror-${mirrorId}`;
export const peerStream = (peerId: string): string => `peer-${peerId}`;
export const userStream = (userId: string): string => `user-${userId}`;
