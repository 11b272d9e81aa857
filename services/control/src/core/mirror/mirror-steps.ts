import type { StepVerb } from './mirror-event.js';
import { CLEAN_VERBS, type MirrorState, type StepWork } from './mirror-state.js';

/** The steps of the saga that the mirror is in; a paused one keeps the steps of its set-up. */
export function stepsOf(state: MirrorState): readonly (readonly [StepVerb, StepWork])[] {
  if (state.tag === 'paused') return stepsOf(state.before);
  if (state.tag === 'setting_up') return [[state.step, state.work]];
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

/** The command that has been without an answer for longest, with the time it was sent; null when none is. */
export function oldestOutstanding(
  state: MirrorState,
): { readonly commandId: string; readonly verb: StepVerb; readonly sentAt: string } | null {
  const outstanding = stepsOf(state).flatMap(([verb, work]) =>
    work.tag === 'outstanding' ? [{ verb, commandId: work.commandId, sentAt: work.sentAt }] : [],
  );
  return outstanding.toSorted((a, b) => (a.sentAt < b.sentAt ? -1 : 1)).at(0) ?? null;
}
