import type { LaneWish } from '@bunnydb/contracts';
import type { LaneNote, Resync, WorkingState } from './lane-note.js';

/**
 * Where a table is on its way, as `_bunny.table_state` keeps it: `running` in the main lane, any other beside it (ADR 0010). What a state has to
 * remember is its own; whoever changes a state does so through `stepLane`.
 */
export type LaneState =
  | { readonly tag: 'pending' }
  | { readonly tag: 'copying' }
  | { readonly tag: 'resyncing'; readonly resync: Resync }
  | { readonly tag: 'catching_up' }
  | { readonly tag: 'running' }
  | { readonly tag: 'held'; readonly goesOnAs: WorkingLane }
  | { readonly tag: 'error'; readonly goesOnAs: WorkingLane };

/** A lane that has work to do. */
export type WorkingLane = Extract<LaneState, { readonly tag: WorkingState }>;

/** What may happen to a table's lane. */
export type LaneSignal =
  /** A person asks to try again, or the wait is over. */
  | { readonly tag: 'retry' }
  /** A person wants the table to stay as it is for now. */
  | { readonly tag: 'hold' }
  | { readonly tag: 'resync'; readonly resync: Resync }
  /** The table is full, as of its snapshot. */
  | { readonly tag: 'copied' }
  /** The shadow table is full and all but caught up. */
  | { readonly tag: 'shadow_full' }
  | { readonly tag: 'swapped' }
  | {
      readonly tag: 'failed';
      /** A swap that did not come about may do so later with the same shadow. */
      readonly keepsShadow: boolean;
      /** Those that are to be swapped with it wait for it no longer. */
      readonly leavesGroup: boolean;
    };

/** The signal has no meaning in the state. */
export interface LaneRefusal {
  readonly tag: 'refused';
}

/** The one transition function of a lane. */
export function stepLane(state: LaneState, signal: LaneSignal): LaneState | LaneRefusal {
  switch (signal.tag) {
    case 'retry':
      return state.tag === 'held' || state.tag === 'error' ? state.goesOnAs : REFUSED;
    case 'hold':
      return stepHeld(state);
    case 'resync':
      return firstCopyOf(state) ?? { tag: 'resyncing', resync: signal.resync };
    case 'copied':
      return stepCopied(state);
    case 'shadow_full':
      return isSwap(state) ? { ...state, resync: { ...state.resync, step: 'swap' } } : REFUSED;
    case 'swapped':
      return isSwap(state) && state.resync.step === 'swap' ? { tag: 'catching_up' } : REFUSED;
    case 'failed':
      return stepFailed(state, signal);
  }
}

/** The state that a row of `_bunny.table_state` stands for. */
export function laneStateOf(
  tag: LaneState['tag'],
  note: LaneNote,
  facts: { readonly isCopied: boolean; readonly defaultStrategy: Resync['strategy'] },
): LaneState {
  // The main lane may ask for a new copy (a column whose values cannot be derived) without a command.
  const resync: Resync = note.resync ?? {
    id: '',
    strategy: facts.defaultStrategy,
    together: false,
    step: 'copy',
  };
  switch (tag) {
    case 'resyncing':
      return { tag, resync };
    case 'held':
    case 'error':
      return { tag, goesOnAs: goesOnAs(note, facts.isCopied, resync) };
    case 'pending':
    case 'copying':
    case 'catching_up':
    case 'running':
      return { tag };
  }
}

/** What the note has to remember of a state. */
export function noteOf(state: LaneState, note: LaneNote): LaneNote {
  const working = state.tag === 'held' || state.tag === 'error' ? state.goesOnAs : state;
  return {
    ...note,
    resync: working.tag === 'resyncing' ? working.resync : null,
    goesOnAs: state.tag === 'held' || state.tag === 'error' ? state.goesOnAs.tag : null,
  };
}

/** The resync that a wish asks for. */
export function resyncOf(
  wish: Extract<LaneWish, { readonly action: 'resync' }>,
  commandId: string,
): Resync {
  return { id: commandId, strategy: wish.strategy, together: wish.together, step: 'copy' };
}

/** A copy is not stopped half-way: its table would be neither old nor new. */
function stepHeld(state: LaneState): LaneState | LaneRefusal {
  switch (state.tag) {
    case 'running':
    case 'catching_up':
      return { tag: 'held', goesOnAs: { tag: 'catching_up' } };
    case 'error':
      return { tag: 'held', goesOnAs: alone(state.goesOnAs) };
    case 'pending':
    case 'copying':
    case 'resyncing':
    case 'held':
      return REFUSED;
  }
}

/** Those that were to be swapped with it must not wait until a person lets it go on. */
function alone(lane: WorkingLane): WorkingLane {
  return lane.tag === 'resyncing' ? { ...lane, resync: { ...lane.resync, together: false } } : lane;
}

function stepCopied(state: LaneState): LaneState | LaneRefusal {
  if (state.tag === 'copying') return { tag: 'catching_up' };
  if (state.tag !== 'resyncing') return REFUSED;
  // A full shadow changes nothing yet: only the swap does.
  return state.resync.strategy === 'truncate' ? { tag: 'catching_up' } : state;
}

function stepFailed(
  state: LaneState,
  { keepsShadow, leavesGroup }: Extract<LaneSignal, { readonly tag: 'failed' }>,
): LaneState | LaneRefusal {
  switch (state.tag) {
    case 'pending':
    case 'copying':
    case 'catching_up':
      return { tag: 'error', goesOnAs: state };
    case 'resyncing': {
      const resync: Resync = {
        ...state.resync,
        step: keepsShadow ? state.resync.step : 'copy',
        together: state.resync.together && !leavesGroup,
      };
      return { tag: 'error', goesOnAs: { tag: 'resyncing', resync } };
    }
    case 'running':
    case 'held':
    case 'error':
      return REFUSED;
  }
}

function goesOnAs(note: LaneNote, isCopied: boolean, resync: Resync): WorkingLane {
  // A table that is full as of a snapshot is past the copy, except when that is in a shadow still.
  const isBeforeSwap = note.resync?.step === 'swap';
  const tag =
    note.goesOnAs ??
    (isCopied && !isBeforeSwap ? 'catching_up' : note.resync ? 'resyncing' : 'pending');
  return tag === 'resyncing' ? { tag, resync } : { tag };
}

/**
 * What is to be copied for the first time will be as new as a resync would make it. It stays that first copy, which never empties a table
 * that the mirror has not filled.
 */
function firstCopyOf(state: LaneState): WorkingLane | undefined {
  const working = state.tag === 'error' || state.tag === 'held' ? state.goesOnAs : state;
  return working.tag === 'pending' || working.tag === 'copying' ? working : undefined;
}

function isSwap(state: LaneState): state is Extract<LaneState, { readonly tag: 'resyncing' }> {
  return state.tag === 'resyncing' && state.resync.strategy === 'swap';
}

const REFUSED: LaneRefusal = { tag: 'refused' };
