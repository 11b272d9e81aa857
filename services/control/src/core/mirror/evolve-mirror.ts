import { assertNever } from '../decision.js';
import { evolveFacts, nextGeneration } from './evolve-facts.js';
import { READY, evolveWork, outstandingId } from './evolve-step.js';
import { evolveStreaming } from './evolve-streaming.js';
import { evolveTerminating, terminating } from './evolve-termination.js';
import type { MirrorCreated, MirrorEvent } from './mirror-event.js';
import type { MirrorState, SettingUp, SetupVerb } from './mirror-state.js';

/** Folds one event into a mirror's state. An event that says nothing in a state leaves it as it is. */
export function evolveMirror(state: MirrorState, event: MirrorEvent): MirrorState {
  switch (state.tag) {
    case 'absent':
      return event.type === 'mirror_created' ? created(event) : state;
    case 'setting_up':
      return evolveSettingUp(state, event);
    case 'streaming':
      return evolveStreaming(state, event);
    case 'paused':
      return evolvePaused(state, event);
    case 'terminating':
      return evolveTerminating(state, event);
    case 'dropped':
      return state;
    default:
      return assertNever(state);
  }
}

function created({ body }: MirrorCreated): SettingUp {
  return {
    tag: 'setting_up',
    mirror: {
      id: body.id,
      name: body.name,
      sourcePeer: body.source_peer,
      destinationPeer: body.destination_peer,
      tables: body.tables,
      patterns: body.patterns ?? [],
      options: body.options,
      slotName: body.slot_name,
      publicationName: body.publication_name,
      ownPublication: body.own_publication,
      generation: 1,
      identity: null,
    },
    step: 'provision_tables',
    work: READY,
  };
}

function evolveSettingUp(state: SettingUp, event: MirrorEvent): MirrorState {
  switch (event.type) {
    case 'tables_provisioned':
      return isAwaited(state, 'provision_tables', event.body.command_id)
        ? { ...state, step: 'prepare_source', work: READY }
        : state;
    case 'source_prepared':
      if (!isAwaited(state, 'prepare_source', event.body.command_id)) return state;
      return {
        tag: 'streaming',
        mirror: { ...nextGeneration(state.mirror), identity: event.body.identity },
        copy: state.mirror.options.do_initial_snapshot ? 'waiting' : 'done',
        troubles: {},
      };
    case 'mirror_paused':
      return { tag: 'paused', mirror: nextGeneration(state.mirror), before: state };
    case 'mirror_delete_requested':
      return terminating(state, event.body);
    default:
      return {
        ...state,
        mirror: evolveFacts(state.mirror, event),
        work: evolveWork(state.work, state.step, event),
      };
  }
}

function evolvePaused(
  state: Extract<MirrorState, { tag: 'paused' }>,
  event: MirrorEvent,
): MirrorState {
  const { before } = state;
  switch (event.type) {
    case 'mirror_resumed':
      return { ...before, mirror: { ...nextGeneration(state.mirror) } };
    case 'mirror_delete_requested':
      return terminating({ ...before, mirror: state.mirror }, event.body);
    // Told by a session on its way out; a paused mirror has no troubles.
    case 'session_failed':
    case 'mirror_paused':
      return state;
    default: {
      const after = evolveMirror({ ...before, mirror: state.mirror }, event);
      return after.tag === 'setting_up' || after.tag === 'streaming'
        ? { tag: 'paused', mirror: after.mirror, before: after }
        : state;
    }
  }
}

/** An answer counts if it is to the command that was sent last; an earlier one is repeated by that. */
function isAwaited({ step, work }: SettingUp, verb: SetupVerb, commandId: string): boolean {
  return step === verb && outstandingId(work) === commandId;
}
