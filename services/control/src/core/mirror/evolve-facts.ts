import type { MirrorEvent } from './mirror-event.js';
import type { MirrorFacts } from './mirror-state.js';

/** The events that change what workers shall do, whatever the state. */
export function evolveFacts(mirror: MirrorFacts, event: MirrorEvent): MirrorFacts {
  switch (event.type) {
    case 'mirror_options_changed':
      return { ...nextGeneration(mirror), options: { ...mirror.options, ...event.body.options } };
    case 'mirror_peer_changed':
      return nextGeneration(mirror);
    default:
      return mirror;
  }
}

/** The facts after a change that workers have to see. */
export function nextGeneration(mirror: MirrorFacts): MirrorFacts {
  return { ...mirror, generation: mirror.generation + 1 };
}
