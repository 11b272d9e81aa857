import type { MirrorState } from './mirror-state.js';

/** The state as the read model keeps it: without what is known of single tables, which have rows of their own there. */
export function withoutTableStates(state: MirrorState): MirrorState {
  if (state.tag === 'streaming') return { ...state, outside: undefined };
  return state.tag === 'paused' && state.before.tag === 'streaming'
    ? { ...state, before: { ...state.before, outside: undefined } }
    : state;
}
