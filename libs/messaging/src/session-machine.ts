import { isDeepStrictEqual } from 'node:util';
import type { MirrorSpec } from '@bunnydb/contracts';
import {
  DEFAULT_BACKOFF,
  backoffDelayMs,
  type BackoffOptions,
  type FailureReport,
} from '@bunnydb/failure';

/** What the attempts so far came to. */
export interface SessionHistory {
  /** Failures in a row, without a healthy moment between them. */
  readonly failures: number;
  /**
   * What control was told last: `failed` has to be followed by a recovery. `unknown` is treated the same, since the instance that had the
   * mirror before may have died after it reported a failure.
   */
  readonly told: 'unknown' | 'failed' | 'well';
}

/**
 * The life of one mirror in one process:
 *
 *     idle ──spec says run──▶ claiming ──granted──▶ running ──failed──▶ waiting ──time, retry, newer spec──▶ running
 *      ▲                         ▲                     │ lease lost, hold, changed spec
 *      └──────── hold ───────────┴───── stopping ◀─────┘ (or given away)            any ──shutdown──▶ stopped
 *
 * The lease is held in `running`, `waiting`, and in `stopping` while `leased`.
 */
export type SessionState =
  | { readonly tag: 'idle' }
  | { readonly tag: 'claiming'; readonly spec: MirrorSpec; readonly history: SessionHistory }
  | { readonly tag: 'running'; readonly spec: MirrorSpec; readonly history: SessionHistory }
  | {
      readonly tag: 'stopping';
      /** What to run when the present session has ended. */
      readonly next: MirrorSpec | undefined;
      readonly leased: boolean;
      readonly shutdown: boolean;
      /** The mirror is meant for another instance; this one takes it again only if nobody does. */
      readonly given: boolean;
      readonly history: SessionHistory;
    }
  | {
      readonly tag: 'waiting';
      readonly spec: MirrorSpec;
      readonly history: SessionHistory;
      /** Null: until a person's retry or a newer spec. */
      readonly untilMs: number | null;
    }
  | { readonly tag: 'stopped' };

export type SessionSignal =
  | { readonly tag: 'spec_seen'; readonly spec: MirrorSpec | undefined }
  | { readonly tag: 'claim_granted' }
  | { readonly tag: 'claim_refused' }
  | { readonly tag: 'lease_freed' }
  | { readonly tag: 'lease_lost' }
  | { readonly tag: 'session_healthy' }
  | { readonly tag: 'session_ended'; readonly failure: FailureReport }
  | { readonly tag: 'wait_over' }
  | { readonly tag: 'retry_requested' }
  | { readonly tag: 'give_requested' }
  | { readonly tag: 'shutdown' };

export type SessionEffect =
  | { readonly tag: 'claim'; readonly turn: ClaimTurn }
  | { readonly tag: 'release' }
  | { readonly tag: 'start'; readonly spec: MirrorSpec }
  | { readonly tag: 'abort' }
  | { readonly tag: 'wait'; readonly untilMs: number }
  | { readonly tag: 'cancel_wait' }
  | {
      readonly tag: 'report_failed';
      readonly failure: FailureReport;
      readonly attempt: number;
      readonly nextRetryAt: string | null;
    }
  | { readonly tag: 'report_recovered' };

/** How soon to claim: at once, `again` after somebody else had it, `last` when the others are to have it. */
export type ClaimTurn = 'first' | 'again' | 'last';

export interface SessionStep {
  readonly state: SessionState;
  readonly effects: readonly SessionEffect[];
}

/** Time and chance, from the caller. */
export interface StepInputs {
  readonly nowMs: number;
  /** In [0, 1). */
  readonly random: number;
  readonly backoff?: BackoffOptions;
}

export const INITIAL_SESSION_STATE: SessionState = { tag: 'idle' };

const NEW_HISTORY: SessionHistory = { failures: 0, told: 'unknown' };

/** The one transition function: what happens to a mirror's session next. A signal that means nothing in a state changes nothing. */
export function stepSession(
  state: SessionState,
  signal: SessionSignal,
  inputs: StepInputs,
): SessionStep {
  switch (state.tag) {
    case 'idle':
      return stepIdle(state, signal);
    case 'claiming':
      return stepClaiming(state, signal);
    case 'running':
      return stepRunning(state, signal, inputs);
    case 'stopping':
      return stepStopping(state, signal);
    case 'waiting':
      return stepWaiting(state, signal);
    case 'stopped':
      return stay(state);
  }
}

type StateOf<Tag extends SessionState['tag']> = Extract<SessionState, { readonly tag: Tag }>;

function stepIdle(state: StateOf<'idle'>, signal: SessionSignal): SessionStep {
  if (signal.tag === 'spec_seen' && wantsToRun(signal.spec)) {
    return {
      state: { tag: 'claiming', spec: signal.spec, history: NEW_HISTORY },
      effects: [{ tag: 'claim', turn: 'first' }],
    };
  }
  if (signal.tag === 'shutdown') {
    return { state: { tag: 'stopped' }, effects: [] };
  }
  // A claim that was under way when the mirror went on hold may still be granted.
  return signal.tag === 'claim_granted' ? { state, effects: [{ tag: 'release' }] } : stay(state);
}

function stepClaiming(state: StateOf<'claiming'>, signal: SessionSignal): SessionStep {
  switch (signal.tag) {
    case 'spec_seen':
      return wantsToRun(signal.spec)
        ? stay({ ...state, spec: signal.spec })
        : { state: { tag: 'idle' }, effects: [] };
    case 'claim_granted':
      return start(state.spec, state.history);
    case 'claim_refused':
      return { state, effects: [{ tag: 'claim', turn: 'again' }] };
    case 'lease_freed':
      return { state, effects: [{ tag: 'claim', turn: 'first' }] };
    case 'shutdown':
      return { state: { tag: 'stopped' }, effects: [] };
    default:
      return stay(state);
  }
}

function stepRunning(
  state: StateOf<'running'>,
  signal: SessionSignal,
  inputs: StepInputs,
): SessionStep {
  switch (signal.tag) {
    case 'spec_seen':
      return wantsToRun(signal.spec) && !differs(state.spec, signal.spec)
        ? stay({ ...state, spec: signal.spec })
        : abort(state.history, signal.spec, { leased: true });
    case 'lease_lost':
      return abort(state.history, state.spec, { leased: false });
    case 'give_requested':
      return abort(state.history, state.spec, { leased: true, given: true });
    case 'shutdown':
      return abort(state.history, undefined, { leased: true, shutdown: true });
    case 'session_healthy':
      return {
        state: { ...state, history: { failures: 0, told: 'well' } },
        effects: state.history.told === 'well' ? [] : [{ tag: 'report_recovered' }],
      };
    case 'session_ended':
      return fail(state, signal.failure, inputs);
    default:
      return stay(state);
  }
}

function stepStopping(state: StateOf<'stopping'>, signal: SessionSignal): SessionStep {
  switch (signal.tag) {
    case 'spec_seen':
      return stay({ ...state, next: signal.spec });
    case 'lease_lost':
      return stay({ ...state, leased: false });
    case 'shutdown':
      return stay({ ...state, shutdown: true });
    case 'session_ended':
      return afterStop(state);
    default:
      return stay(state);
  }
}

function afterStop(state: StateOf<'stopping'>): SessionStep {
  const release: readonly SessionEffect[] = state.leased ? [{ tag: 'release' }] : [];
  if (state.shutdown) {
    return { state: { tag: 'stopped' }, effects: release };
  }
  if (!wantsToRun(state.next)) {
    return { state: { tag: 'idle' }, effects: release };
  }
  if (!state.leased || state.given) {
    return {
      state: { tag: 'claiming', spec: state.next, history: state.history },
      effects: [...release, { tag: 'claim', turn: state.given ? 'last' : 'again' }],
    };
  }
  return start(state.next, state.history);
}

function stepWaiting(state: StateOf<'waiting'>, signal: SessionSignal): SessionStep {
  const cancel: readonly SessionEffect[] = [{ tag: 'cancel_wait' }];
  switch (signal.tag) {
    case 'spec_seen':
      return waitingSawSpec(state, signal.spec);
    case 'wait_over':
      return start(state.spec, state.history);
    case 'retry_requested':
      return start(state.spec, state.history, cancel);
    case 'lease_lost':
      return {
        state: { tag: 'claiming', spec: state.spec, history: state.history },
        effects: [...cancel, { tag: 'claim', turn: 'again' }],
      };
    case 'shutdown':
      return { state: { tag: 'stopped' }, effects: [...cancel, { tag: 'release' }] };
    default:
      return stay(state);
  }
}

function waitingSawSpec(state: StateOf<'waiting'>, spec: MirrorSpec | undefined): SessionStep {
  const cancel: readonly SessionEffect[] = [{ tag: 'cancel_wait' }];
  if (!wantsToRun(spec)) {
    return { state: { tag: 'idle' }, effects: [...cancel, { tag: 'release' }] };
  }
  // A person changed or resumed the mirror, so whatever stopped it is worth another try, from the shortest wait.
  return spec.generation > state.spec.generation
    ? start(spec, { ...state.history, failures: 0 }, cancel)
    : stay({ ...state, spec });
}

function start(
  spec: MirrorSpec,
  history: SessionHistory,
  before: readonly SessionEffect[] = [],
): SessionStep {
  return { state: { tag: 'running', spec, history }, effects: [...before, { tag: 'start', spec }] };
}

function abort(
  history: SessionHistory,
  next: MirrorSpec | undefined,
  why: { readonly leased: boolean; readonly shutdown?: boolean; readonly given?: boolean },
): SessionStep {
  const { leased, shutdown = false, given = false } = why;
  return {
    state: { tag: 'stopping', next, history, leased, shutdown, given },
    effects: [{ tag: 'abort' }],
  };
}

function fail(state: StateOf<'running'>, failure: FailureReport, inputs: StepInputs): SessionStep {
  const attempt = state.history.failures + 1;
  const untilMs =
    failure.action === 'retry_timed'
      ? inputs.nowMs + backoffDelayMs(attempt, inputs.random, inputs.backoff ?? DEFAULT_BACKOFF)
      : null;
  const nextRetryAt = untilMs === null ? null : new Date(untilMs).toISOString();
  return {
    state: {
      tag: 'waiting',
      spec: state.spec,
      history: { failures: attempt, told: 'failed' },
      untilMs,
    },
    effects: [
      { tag: 'report_failed', failure, attempt, nextRetryAt },
      ...(untilMs === null ? [] : [{ tag: 'wait', untilMs } as const]),
    ],
  };
}

function stay(state: SessionState): SessionStep {
  return { state, effects: [] };
}

function wantsToRun(spec: MirrorSpec | undefined): spec is MirrorSpec {
  return spec?.desired === 'run';
}

/** True when something that a session depends on has changed; the generation alone does not count. */
function differs(running: MirrorSpec, seen: MirrorSpec): boolean {
  return !isDeepStrictEqual({ ...running, generation: 0 }, { ...seen, generation: 0 });
}
