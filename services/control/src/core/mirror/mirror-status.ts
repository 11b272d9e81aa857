import type { FailureReport } from '@bunnydb/failure';
import { assertNever } from '../decision.js';
import type { StepVerb } from './mirror-event.js';
import type { MirrorState, StepWork, Streaming, Terminating } from './mirror-state.js';
import { stepsOf } from './mirror-steps.js';

export const MIRROR_STATUSES = [
  'created',
  'setting_up',
  'snapshotting',
  'running',
  'pausing',
  'paused',
  'resyncing',
  'syncing_schema',
  'error',
  'terminating',
  'stopped',
] as const;
export type MirrorStatus = (typeof MIRROR_STATUSES)[number];

/** The status word of the /v1 contract. */
export function mirrorStatus(state: MirrorState): MirrorStatus {
  switch (state.tag) {
    case 'absent':
    case 'dropped':
      return 'stopped';
    case 'setting_up':
      if (state.work.tag === 'waiting') return 'error';
      return state.step === 'provision_tables' && state.work.tag === 'ready'
        ? 'created'
        : 'setting_up';
    case 'streaming':
      if (firstTrouble(state)) return 'error';
      // Nothing streams until it is done, so a step that waits is a failure of the mirror.
      if (state.rebuild?.work.tag === 'waiting') return 'error';
      if (state.sync) return 'syncing_schema';
      return state.resync ? 'resyncing' : STREAMING_STATUS[state.copy];
    case 'paused':
      return 'paused';
    case 'terminating':
      return 'terminating';
    default:
      return assertNever(state);
  }
}

const STREAMING_STATUS = {
  waiting: 'setting_up',
  copying: 'snapshotting',
  done: 'running',
} as const satisfies Record<Streaming['copy'], MirrorStatus>;

/** What the mirror is doing now, in words. */
export function mirrorPhase(state: MirrorState): string {
  switch (state.tag) {
    case 'absent':
    case 'dropped':
      return 'gone';
    case 'setting_up':
      return stepPhase(state.step, state.work);
    case 'streaming': {
      const trouble = firstTrouble(state);
      if (trouble) return waitPhase(trouble.failure, trouble.nextRetryAt);
      return streamingPhases(state).join('; ');
    }
    case 'paused':
      return state.before.tag === 'setting_up'
        ? 'paused during set-up'
        : state.before.copy === 'done'
          ? 'paused; changes wait in the slot and in the change stream'
          : 'paused during the copy';
    case 'terminating':
      return terminatingPhase(state);
    default:
      return assertNever(state);
  }
}

/** The failure that keeps the mirror from going on; null when none does. */
export function currentFailure(
  state: MirrorState,
): { readonly failure: FailureReport; readonly nextRetryAt: string | null } | null {
  const trouble = state.tag === 'streaming' ? firstTrouble(state) : undefined;
  if (trouble) return trouble;
  if (state.tag === 'paused') return null;
  for (const [, work] of stepsOf(state)) {
    if (work.tag === 'waiting') return { failure: work.failure, nextRetryAt: work.nextRetryAt };
  }
  return null;
}

function firstTrouble(state: Streaming) {
  const { capture, apply } = state.troubles;
  // What a person has to look into comes before what heals by itself.
  return [capture, apply].find((trouble) => trouble?.nextRetryAt === null) ?? capture ?? apply;
}

const STREAMING_PHASE: Readonly<Record<Streaming['copy'], string>> = {
  waiting: 'waiting for a worker to start the copy',
  copying: 'copying tables',
  done: 'streaming changes',
};

const STEP_PHASE: Readonly<Record<StepVerb, string>> = {
  provision_tables: 'creating missing tables at the destination',
  prepare_source: 'creating publication, slot and change stream',
  clean_source: 'removing slot, publication and change stream',
  clean_destination: 'removing the bookkeeping from the destination',
  drop_tables: 'dropping the destination tables',
  build_structure: 'building indexes and foreign keys',
  change_publication: 'bringing the publication in line with the tables',
  change_lanes: 'telling the applier what is asked of tables',
  sync_schema: 'making changes of structure',
  rebuild_source: 'making publication, slot and change stream anew',
  restart_position: 'starting the destination from the new slot',
};

/** Changes stream meanwhile, so a failure of a step here is no failure of the mirror. */
function streamingPhases(state: Streaming): readonly string[] {
  const steps = stepsOf(state).filter(([, work]) => work.tag !== 'done');
  // All others wait for it.
  const { rebuild } = state;
  if (rebuild) return [stepPhase(rebuild.stage, rebuild.work)];
  return [
    STREAMING_PHASE[state.copy],
    ...(state.resync ? ['copying every table again'] : []),
    ...(state.edit?.stage === 'letting_go' ? ['waiting for the applier to let go of tables'] : []),
    ...steps.map(([verb, work]) => stepPhase(verb, work)),
  ];
}

function stepPhase(verb: StepVerb, work: StepWork): string {
  return work.tag === 'waiting' ? waitPhase(work.failure, work.nextRetryAt) : STEP_PHASE[verb];
}

function waitPhase(failure: FailureReport, nextRetryAt: string | null): string {
  return nextRetryAt === null
    ? `stopped: ${failure.message}`
    : `waiting to try again: ${failure.message}`;
}

function terminatingPhase(state: Terminating): string {
  if (state.settling.length > 0) return 'waiting for a step under way to end';
  const open = stepsOf(state).filter(([, work]) => work.tag !== 'done');
  const failed = open.find(([, work]) => work.tag === 'waiting');
  const shown = failed ?? open[0];
  return shown ? stepPhase(...shown) : 'gone';
}
