import type { MirrorSpec, PeerConnection } from '@bunnydb/contracts';
import type { MirrorState } from './mirror-state.js';

/** Both ends of a mirror as they are now. */
export interface MirrorPeers {
  readonly source: PeerConnection;
  readonly destination: PeerConnection;
}

/** The desired state that workers follow; null when there shall be none. */
export function desiredSpecOf(state: MirrorState, peers: MirrorPeers): MirrorSpec | null {
  if (state.tag === 'absent' || state.tag === 'dropped' || state.tag === 'terminating') return null;
  return commandSpecOf(state, peers);
}

/** The spec that a command carries; there is one as long as there is anything to do for the mirror. */
export function commandSpecOf(
  state: Exclude<MirrorState, { tag: 'absent' }>,
  peers: MirrorPeers,
): MirrorSpec {
  const { mirror } = state;
  return {
    v: 1,
    id: mirror.id,
    name: mirror.name,
    generation: mirror.generation,
    desired: state.tag === 'streaming' ? 'run' : 'hold',
    source: peers.source,
    destination: peers.destination,
    slot_name: mirror.slotName,
    publication_name: mirror.publicationName,
    own_publication: mirror.ownPublication,
    tables: mirror.tables,
    options: mirror.options,
    ...(mirror.identity === null ? {} : { source_identity: mirror.identity }),
  };
}
