import { type AlertEffect, alertEffects } from './alert-effects.js';
import { evolveMirror } from './evolve-mirror.js';
import { appearedTables, joinedTables } from './follow-tables.js';
import type { MirrorEvent, StepVerb } from './mirror-event.js';
import { movedTables } from './moved-tables.js';
import type { MirrorState, StepWork, Terminating } from './mirror-state.js';
import { stepsOf } from './mirror-steps.js';

/** What has to be sent. Each is idempotent and says what to bring about, not what to write: contents are made when it is sent. */
export type MirrorEffect =
  | { readonly type: 'publish_spec'; readonly mirrorId: string; readonly generation: number }
  | {
      readonly type: 'command';
      readonly mirrorId: string;
      readonly verb: StepVerb;
      readonly commandId: string;
      readonly force: boolean;
    }
  | AlertEffect
  /** Ends the wait of the mirror's sessions. */
  | { readonly type: 'end_waits'; readonly mirrorId: string; readonly wishId: string };

export interface MirrorReaction {
  readonly events: readonly MirrorEvent[];
  readonly effects: readonly MirrorEffect[];
}

export interface ReactContext {
  readonly now: Date;
  readonly newId: () => string;
}

/**
 * The saga: what follows from a change. The order of the effects is the order in which they are sent: the desired state first, so
 * that sessions stop before their slot and bookkeeping are removed.
 */
export function reactMirror(
  before: MirrorState,
  changes: readonly MirrorEvent[],
  after: MirrorState,
  context: ReactContext,
): MirrorReaction {
  if (after.tag === 'absent' || changes.length === 0) return { events: [], effects: [] };
  const { id: mirrorId, generation } = after.mirror;
  const effects: MirrorEffect[] = [];
  if (generation !== generationOf(before)) {
    effects.push({ type: 'publish_spec', mirrorId, generation });
  }
  if (after.tag === 'streaming' && changes.some((event) => event.type === 'mirror_retried')) {
    effects.push({ type: 'end_waits', mirrorId, wishId: context.newId() });
  }
  effects.push(...alertEffects(before, changes, context.now));
  const events: MirrorEvent[] = [];
  let state: MirrorState = after;
  for (const follow of [joinedTables, movedTables, appearedTables]) {
    const more = follow(state, context.now);
    events.push(...more);
    state = more.reduce(evolveMirror, state);
  }
  for (const [verb, work] of readySteps(state)) {
    const commandId = context.newId();
    const event: MirrorEvent = {
      type: 'step_started',
      body: {
        verb,
        command_id: commandId,
        failures: work.failures,
        at: context.now.toISOString(),
      },
    };
    events.push(event);
    state = evolveMirror(state, event);
    const force = after.tag === 'terminating' && after.force;
    effects.push({ type: 'command', mirrorId, verb, commandId, force });
  }
  if (state.tag === 'terminating' && isClean(state)) {
    events.push({ type: 'mirror_dropped', body: { left: state.left } });
  }
  return { events, effects };
}

/** The steps that may be sent now. */
function readySteps(
  state: MirrorState,
): readonly (readonly [StepVerb, Extract<StepWork, { tag: 'ready' }>])[] {
  if (state.tag === 'terminating' && state.settling.length > 0) return [];
  return stepsOf(state).flatMap(([verb, work]) => {
    if (work.tag !== 'ready') return [];
    // A person may bring the structure in line while nothing moves.
    if (state.tag === 'paused' && verb !== 'sync_schema') return [];
    // While slot and position are made anew, whatever else touches either side waits.
    if (state.tag === 'streaming' && state.rebuild && verb !== state.rebuild.stage) return [];
    // Tables go last: until the bookkeeping is gone an applier might still write to them.
    const tooEarly =
      verb === 'drop_tables' &&
      state.tag === 'terminating' &&
      state.steps.clean_destination.tag !== 'done';
    return tooEarly ? [] : [[verb, work] as const];
  });
}

function isClean(state: Terminating): boolean {
  return state.settling.length === 0 && stepsOf(state).every(([, work]) => work.tag === 'done');
}

function generationOf(state: MirrorState): number {
  return state.tag === 'absent' ? 0 : state.mirror.generation;
}
