import type { PeerConnection } from '@bunnydb/contracts';
import { type Decision, accepted, assertNever, refused } from '../decision.js';

/** A server that mirrors read from or write to. Its secrets are sealed. */
export type PeerEvent =
  | {
      readonly type: 'peer_created';
      readonly body: { readonly id: string; readonly connection: PeerConnection };
    }
  | { readonly type: 'peer_changed'; readonly body: { readonly connection: PeerConnection } }
  | { readonly type: 'peer_deleted'; readonly body: Record<string, never> };

export type PeerCommand =
  | { readonly type: 'create'; readonly id: string; readonly connection: PeerConnection }
  | { readonly type: 'change'; readonly connection: PeerConnection }
  | { readonly type: 'delete' };

export type PeerState =
  | { readonly tag: 'absent' }
  | { readonly tag: 'present'; readonly connection: PeerConnection }
  | { readonly tag: 'deleted' };

export const ABSENT_PEER: PeerState = { tag: 'absent' };

/** Judges a command against a peer's state. Whether a mirror uses it is checked where both are known. */
export function decidePeer(state: PeerState, command: PeerCommand): Decision<PeerEvent> {
  switch (command.type) {
    case 'create':
      return state.tag === 'absent'
        ? accepted({
            type: 'peer_created',
            body: { id: command.id, connection: command.connection },
          })
        : refused('conflict', 'a peer with this id exists already');
    case 'change':
      if (state.tag !== 'present') return refused('not_found', 'the peer does not exist');
      return accepted({ type: 'peer_changed', body: { connection: command.connection } });
    case 'delete':
      if (state.tag !== 'present') return refused('not_found', 'the peer does not exist');
      return accepted({ type: 'peer_deleted', body: {} });
    default:
      return assertNever(command);
  }
}

/** Folds one event into a peer's state. */
export function evolvePeer(state: PeerState, event: PeerEvent): PeerState {
  switch (event.type) {
    case 'peer_created':
    case 'peer_changed':
      return { tag: 'present', connection: event.body.connection };
    case 'peer_deleted':
      return { tag: 'deleted' };
    default:
      return assertNever(event);
  }
}

/** Whether a tag is one of a peer's events. */
export function isPeerEventType(type: string): type is PeerEvent['type'] {
  return type === 'peer_created' || type === 'peer_changed' || type === 'peer_deleted';
}
