import { assertNever } from '../decision.js';
import { evolveFacts, nextGeneration } from './evolve-facts.js';
import { DONE, READY, evolveWork, outstandingId } from './evolve-step.js';
import { evolveTerminating, terminating } from './evolve-termination.js';
import type { MirrorCreated, MirrorEvent } from './mirror-event.js';
import type {
  MirrorState,
  SettingUp,
  SettlingCommand,
  SetupVerb,
  Streaming,
  Troubles,
} from './mirror-state.js';

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
      return terminating(state.mirror, event.body, settlingOf(state));
    default:
      return {
        ...state,
        mirror: evolveFacts(state.mirror, event),
        work: evolveWork(state.work, state.step, event),
      };
  }
}

function evolveStreaming(state: Streaming, event: MirrorEvent): MirrorState {
  switch (event.type) {
    case 'copy_started':
      return { ...state, copy: 'copying' };
    case 'copy_finished':
      // A table that is copied later ends a copy, too; its structure is a matter of its own.
      return { ...state, copy: 'done', structure: state.structure ?? READY };
    case 'structure_built':
      return state.structure && outstandingId(state.structure) === event.body.command_id
        ? { ...state, structure: DONE }
        : state;
    case 'session_failed': {
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
      return terminating(state.mirror, event.body, null);
    default:
      return {
        ...state,
        mirror: evolveFacts(state.mirror, event),
        ...(state.structure && {
          structure: evolveWork(state.structure, 'build_structure', event),
        }),
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
      return terminating(
        state.mirror,
        event.body,
        before.tag === 'setting_up' ? settlingOf(before) : null,
      );
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

/** The command of the set-up that has no answer yet. */
function settlingOf({ step, work }: SettingUp): SettlingCommand | null {
  if (work.tag !== 'outstanding') return null;
  return { verb: step, commandId: work.commandId, sentAt: work.sentAt };
}

function without(troubles: Troubles, service: keyof Troubles): Troubles {
  const { [service]: _, ...others } = troubles;
  return others;
}
