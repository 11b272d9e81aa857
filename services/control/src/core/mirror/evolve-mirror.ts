import { assertNever } from '../decision.js';
import type { MirrorCreated, MirrorEvent, StepVerb } from './mirror-event.js';
import {
  type CleanVerb,
  type MirrorFacts,
  type MirrorState,
  type SettingUp,
  type SettlingCommand,
  type StepWork,
  type Streaming,
  type Terminating,
  type Troubles,
} from './mirror-state.js';

const READY: StepWork = { tag: 'ready', failures: 0 };
const DONE: StepWork = { tag: 'done' };

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
      return state.step === 'provision_tables'
        ? { ...state, step: 'prepare_source', work: READY }
        : state;
    case 'source_prepared':
      if (state.step !== 'prepare_source') return state;
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
      return { ...state, copy: 'done' };
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
      return { ...state, mirror: evolveFacts(state.mirror, event) };
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

function evolveTerminating(state: Terminating, event: MirrorEvent): MirrorState {
  switch (event.type) {
    case 'tables_provisioned':
      return settled(state, event.body.command_id);
    case 'source_prepared':
      // A slot that was made late is cleaned (again), whoever asked for it.
      return withStep(settled(state, event.body.command_id), 'clean_source', READY);
    case 'source_cleaned':
      return leave(finished(state, 'clean_source', event.body.command_id), event.body.left);
    case 'destination_cleaned':
      return leave(finished(state, 'clean_destination', event.body.command_id), event.body.left);
    case 'tables_dropped':
      return leave(finished(state, 'drop_tables', event.body.command_id), event.body.left);
    case 'mirror_delete_forced':
      return forced(state);
    case 'mirror_dropped':
      return { tag: 'dropped', mirror: state.mirror, left: event.body.left };
    case 'step_failed':
    case 'step_lost':
      return evolveSteps(settled(state, event.body.command_id), event);
    default:
      return evolveSteps({ ...state, mirror: evolveFacts(state.mirror, event) }, event);
  }
}

function terminating(
  mirror: MirrorFacts,
  wish: { readonly drop_tables: boolean; readonly force: boolean },
  settling: SettlingCommand | null,
): Terminating {
  return {
    tag: 'terminating',
    mirror: nextGeneration(mirror),
    force: wish.force,
    settling,
    steps: {
      clean_source: READY,
      clean_destination: READY,
      drop_tables: wish.drop_tables ? READY : DONE,
    },
    left: [],
  };
}

/** Every step that is not done is sent again, now with `force`. */
function forced(state: Terminating): Terminating {
  const again = (work: StepWork): StepWork => (work.tag === 'done' ? work : READY);
  return {
    ...state,
    force: true,
    steps: {
      clean_source: again(state.steps.clean_source),
      clean_destination: again(state.steps.clean_destination),
      drop_tables: again(state.steps.drop_tables),
    },
  };
}

function settled(state: Terminating, commandId: string): Terminating {
  return state.settling?.commandId === commandId ? { ...state, settling: null } : state;
}

/** A late answer to an earlier command of the step does not settle a step that was made ready again. */
function finished(state: Terminating, verb: CleanVerb, commandId: string): Terminating {
  return outstandingId(state.steps[verb]) === commandId ? withStep(state, verb, DONE) : state;
}

function leave(state: Terminating, left: readonly string[]): Terminating {
  return { ...state, left: [...new Set([...state.left, ...left])] };
}

function withStep(state: Terminating, verb: CleanVerb, work: StepWork): Terminating {
  return { ...state, steps: { ...state.steps, [verb]: work } };
}

function evolveSteps(state: Terminating, event: MirrorEvent): Terminating {
  const { steps } = state;
  return {
    ...state,
    steps: {
      clean_source: evolveWork(steps.clean_source, 'clean_source', event),
      clean_destination: evolveWork(steps.clean_destination, 'clean_destination', event),
      drop_tables: evolveWork(steps.drop_tables, 'drop_tables', event),
    },
  };
}

/** The events that any step understands, whatever the saga. */
function evolveWork(work: StepWork, verb: StepVerb, event: MirrorEvent): StepWork {
  switch (event.type) {
    case 'step_started':
      if (event.body.verb !== verb) return work;
      return {
        tag: 'outstanding',
        failures: event.body.failures,
        commandId: event.body.command_id,
        sentAt: event.body.at,
      };
    case 'step_failed':
      if (outstandingId(work) !== event.body.command_id) return work;
      return {
        tag: 'waiting',
        failures: event.body.failures,
        failure: event.body.failure,
        nextRetryAt: event.body.next_retry_at,
      };
    case 'step_lost':
      return work.tag === 'outstanding' && work.commandId === event.body.command_id
        ? { tag: 'ready', failures: work.failures }
        : work;
    case 'step_retry_due':
      return work.tag === 'waiting' && event.body.verb === verb
        ? { tag: 'ready', failures: work.failures }
        : work;
    case 'mirror_retried':
      return work.tag === 'waiting' ? { tag: 'ready', failures: work.failures } : work;
    default:
      return work;
  }
}

/** The events that change what workers shall do, whatever the state. */
function evolveFacts(mirror: MirrorFacts, event: MirrorEvent): MirrorFacts {
  switch (event.type) {
    case 'mirror_options_changed':
      return { ...nextGeneration(mirror), options: { ...mirror.options, ...event.body.options } };
    case 'mirror_peer_changed':
      return nextGeneration(mirror);
    default:
      return mirror;
  }
}

function nextGeneration(mirror: MirrorFacts): MirrorFacts {
  return { ...mirror, generation: mirror.generation + 1 };
}

/** The command of the set-up that has no answer yet. */
function settlingOf({ step, work }: SettingUp): SettlingCommand | null {
  if (work.tag !== 'outstanding') return null;
  return { verb: step, commandId: work.commandId, sentAt: work.sentAt };
}

function outstandingId(work: StepWork): string | null {
  return work.tag === 'outstanding' ? work.commandId : null;
}

function without(troubles: Troubles, service: keyof Troubles): Troubles {
  const { [service]: _, ...others } = troubles;
  return others;
}
