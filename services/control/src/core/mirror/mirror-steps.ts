import type { StepVerb } from './mirror-event.js';
import { CLEAN_VERBS, type MirrorState, type StepWork, type Streaming } from './mirror-state.js';

/** The steps of the saga that the mirror is in; a paused one keeps its steps. */
export function stepsOf(state: MirrorState): readonly (readonly [StepVerb, StepWork])[] {
  if (state.tag === 'paused') return stepsOf(state.before);
  if (state.tag === 'setting_up') return [[state.step, state.work]];
  if (state.tag === 'streaming') return streamingSteps(state);
  if (state.tag !== 'terminating') return [];
  return CLEAN_VERBS.map((verb) => [verb, state.steps[verb]] as const);
}

/** The streaming part of a mirror that streams, or will again after a pause. */
export function streamingOf(state: MirrorState): Streaming | undefined {
  if (state.tag === 'streaming') return state;
  return state.tag === 'paused' && state.before.tag === 'streaming'
    ? { ...state.before, mirror: state.mirror }
    : undefined;
}

/** A verb is in at most one of them. */
function streamingSteps(state: Streaming): readonly (readonly [StepVerb, StepWork])[] {
  const { edit, lanes, sync, structure, rebuild } = state;
  const steps: (readonly [StepVerb, StepWork])[] = [];
  if (rebuild) steps.push([rebuild.stage, rebuild.work]);
  if (edit && edit.stage !== 'letting_go') steps.push([edit.stage, edit.work]);
  if (lanes) steps.push(['change_lanes', lanes.work]);
  if (sync) steps.push(['sync_schema', sync.work]);
  if (structure) steps.push(['build_structure', structure]);
  return steps;
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
  const settling = state.tag === 'terminating' ? state.settling : [];
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
