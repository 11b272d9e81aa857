import type { MirrorEvent } from './mirror-event.js';
import { evolveEdit } from './evolve-edit.js';
import { evolveFacts, nextGeneration } from './evolve-facts.js';
import { evolveLanes } from './evolve-lanes.js';
import { evolveOutside, forgetAsked } from './evolve-outside.js';
import { evolveRebuild } from './evolve-rebuild.js';
import { DONE, READY, evolveWork, outstandingId } from './evolve-step.js';
import { terminating } from './evolve-termination.js';
import type { MirrorState, Streaming, Troubles } from './mirror-state.js';

/** Folds one event into a mirror that copies or streams. What concerns one part of it only is folded by that part. */
export function evolveStreaming(state: Streaming, event: MirrorEvent): MirrorState {
  switch (event.type) {
    case 'copy_started':
      // A table that is copied later says so, too; the mirror streams on.
      return state.copy === 'done' ? state : { ...state, copy: 'copying' };
    case 'copy_finished':
      // A table that is copied later ends a copy, too; its structure is a matter of its own.
      return { ...state, copy: 'done', structure: state.structure ?? READY };
    case 'session_failed': {
      // Told by a session on its way out: what it met is what is being mended.
      if (state.rebuild) return state;
      const { service, failure, attempt, next_retry_at: nextRetryAt } = event.body;
      return {
        ...state,
        troubles: { ...state.troubles, [service]: { failure, attempt, nextRetryAt } },
      };
    }
    case 'session_recovered':
      return { ...state, troubles: without(state.troubles, event.body.service) };
    case 'mirror_paused':
      // Whoever resumes starts afresh: sessions end with the pause, and so do their waits.
      return {
        tag: 'paused',
        mirror: nextGeneration(state.mirror),
        before: { ...state, troubles: {} },
      };
    case 'mirror_delete_requested':
      return terminating(state, event.body);
    default:
      return PARTS.reduce((folded, evolvePart) => evolvePart(folded, event), {
        ...state,
        mirror: evolveFacts(state.mirror, event),
      });
  }
}

/** The facts are folded before these. */
const PARTS: readonly ((state: Streaming, event: MirrorEvent) => Streaming)[] = [
  evolveStructure,
  evolveEdit,
  forgetAsked,
  evolveLanes,
  evolveSync,
  evolveOutside,
  evolveRebuild,
];

function evolveStructure(state: Streaming, event: MirrorEvent): Streaming {
  const { structure } = state;
  switch (event.type) {
    case 'tables_joined':
      return structure?.tag === 'outstanding'
        ? { ...state, isStructureStale: true }
        : { ...state, structure: READY };
    case 'structure_built':
      if (!structure || outstandingId(structure) !== event.body.command_id) return state;
      return {
        ...state,
        structure: state.isStructureStale ? READY : DONE,
        isStructureStale: undefined,
      };
    default:
      return structure
        ? { ...state, structure: evolveWork(structure, 'build_structure', event) }
        : state;
  }
}

function evolveSync(state: Streaming, event: MirrorEvent): Streaming {
  const { sync } = state;
  if (event.type === 'schema_sync_requested') {
    return { ...state, sync: { wishes: event.body, work: READY } };
  }
  if (!sync) return state;
  // A person waits for it and decides anew after a failure, so nothing is made long after it was asked for.
  const isOver =
    (event.type === 'schema_synced' || event.type === 'step_failed') &&
    outstandingId(sync.work) === event.body.command_id;
  return {
    ...state,
    sync: isOver ? undefined : { ...sync, work: evolveWork(sync.work, 'sync_schema', event) },
  };
}

function without(troubles: Troubles, service: keyof Troubles): Troubles {
  const { [service]: _, ...others } = troubles;
  return others;
}
