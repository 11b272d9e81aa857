import {
  DEFAULT_MIRROR_OPTIONS,
  type MirrorSpec,
  type PeerConnection,
  type TableMapping,
  type TablePattern,
} from '@bunnydb/contracts';
import type { StepVerb } from './mirror-event.js';
import type { MirrorState } from './mirror-state.js';
import { streamingOf } from './mirror-steps.js';

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
  verb?: StepVerb,
): MirrorSpec {
  const { mirror } = state;
  const { tables, patterns } = tablesFor(state, verb);
  return {
    v: 1,
    id: mirror.id,
    name: mirror.name,
    generation: mirror.generation,
    desired: state.tag === 'streaming' && !state.rebuild ? 'run' : 'hold',
    source: peers.source,
    destination: peers.destination,
    slot_name: mirror.slotName,
    publication_name: mirror.publicationName,
    own_publication: mirror.ownPublication,
    tables,
    ...(patterns.length === 0 ? {} : { patterns }),
    // A mirror of an older version lacks the options that came later.
    options: { ...DEFAULT_MIRROR_OPTIONS, ...mirror.options },
    ...(mirror.identity === null ? {} : { source_identity: mirror.identity }),
  };
}

/** The steps of an edit are about the tables that it wants, or drops; everything else is about those that the mirror has. */
function tablesFor(
  state: Exclude<MirrorState, { tag: 'absent' }>,
  verb: StepVerb | undefined,
): { readonly tables: readonly TableMapping[]; readonly patterns: readonly TablePattern[] } {
  const edit = streamingOf(state)?.edit;
  if (edit && edit.stage === verb) {
    return 'tables' in edit ? edit : { tables: edit.dropping, patterns: [] };
  }
  return { tables: state.mirror.tables, patterns: state.mirror.patterns ?? [] };
}
