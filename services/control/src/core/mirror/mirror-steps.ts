import type { StepVerb } from './mirror-event.js';
import { CLEAN_VERBS, type MirrorState, type StepWork } from './mirror-state.js';

/** The steps of the saga that the mirror is in; a paused one keeps its steps. */
export function stepsOf(state: MirrorState): readonly (readonly [StepVerb, StepWork])[] {
  if (state.tag === 'paused') return stepsOf(state.before);
  if (state.tag === 'setting_up') return [[state.step, state.work]];
  if (state.tag === 'streaming') {
    return state.structure ? [['build_structure', state.structure]] : [];
  }
  if (state.tag !== 'terminating') return [];
  return CLEAN_VERBS.map((verb) => [verb, state.steps[verb]] as const);
}

/** When the clock has to look at the mirror again; null for never. */
export function nextWakeAt(state: MirrorState): string | null {
  if (state.tag === 'paused') return null;
  const times = stepsOf(state)
    .map(([, work]) => (work.tag === 'waiting' ? work.nextRetryAt : null))
    .filter((time) => time !== null);
  return times.toSorted().at(0) ?? null;
}

/** A command without an answer. */
export interface OutstandingCommand {
  readonly commandId: string;
  readonly verb: StepVerb;
  readonly sentAt: string;
}

/** The commands that wait for an answer. */
export function outstandingCommands(state: MirrorState): readonly OutstandingCommand[] {
  const settling = state.tag === 'terminating' && state.settling ? [state.settling] : [];
  const outstanding = stepsOf(state).flatMap(([verb, work]) =>
    work.tag === 'outstanding' ? [{ verb, commandId: work.commandId, sentAt: work.sentAt }] : [],
  );
  return [...settling, ...outstanding];
}

/** When the command that has waited longest was sent; null when none waits. */
export function outstandingSince(state: MirrorState): string | null {
  const times = outstandingCommands(state).map((command) => command.sentAt);
  return times.toSorted().at(0) ?? null;
}
