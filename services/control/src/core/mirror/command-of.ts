import type { AnyCommand } from '@bunnydb/contracts';
import type { StepVerb } from './mirror-event.js';
import { type MirrorPeers, commandSpecOf } from './mirror-spec-of.js';
import type { MirrorState } from './mirror-state.js';
import { streamingOf } from './mirror-steps.js';

/** A step's command, with the contents of this moment; undefined when the state no longer asks for it. */
export function commandOf(
  state: Exclude<MirrorState, { tag: 'absent' }>,
  peers: MirrorPeers,
  step: { readonly verb: StepVerb; readonly commandId: string; readonly force: boolean },
): AnyCommand | undefined {
  const { verb, commandId, force } = step;
  const spec = commandSpecOf(state, peers, verb);
  const envelope = { v: 1, command_id: commandId, mirror_id: state.mirror.id } as const;
  switch (verb) {
    case 'provision_tables':
    case 'prepare_source':
    case 'build_structure':
    case 'change_publication':
      return { ...envelope, verb, body: { spec } };
    case 'clean_source':
    case 'clean_destination':
    case 'drop_tables':
      return { ...envelope, verb, body: { spec, force } };
    case 'change_lanes': {
      const request = streamingOf(state)?.lanes?.requests[0];
      return request && { ...envelope, verb, body: { spec, ...request } };
    }
    case 'rebuild_source': {
      const rebuild = streamingOf(state)?.rebuild;
      return rebuild && { ...envelope, verb, body: { spec, rebuild: rebuild.number } };
    }
    case 'restart_position': {
      const rebuild = streamingOf(state)?.rebuild;
      if (!rebuild) return undefined;
      const { number, strategy, formerIdentity } = rebuild;
      const body = { spec, rebuild: number, strategy, former_identity: formerIdentity };
      return { ...envelope, verb, body };
    }
    case 'sync_schema': {
      const wishes = streamingOf(state)?.sync?.wishes;
      return wishes && { ...envelope, verb, body: { spec, ...wishes } };
    }
  }
}
