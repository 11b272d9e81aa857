import { READY, evolveWork, outstandingId } from './evolve-step.js';
import type { MirrorEvent } from './mirror-event.js';
import type { LaneQueue, LaneRequest, Streaming } from './mirror-state.js';

type StepFailed = Extract<MirrorEvent, { type: 'step_failed' }>;

/** Folds one event into what is asked of lanes. Each is told to the applier, one after another; the lanes then go their own way. */
export function evolveLanes(state: Streaming, event: MirrorEvent): Streaming {
  const { lanes } = state;
  switch (event.type) {
    case 'table_retried':
      return ask(state, { wish: { action: 'retry' }, tables: [event.body.table] });
    case 'table_hold_requested':
      return ask(state, { wish: { action: 'hold' }, tables: [event.body.table] });
    case 'table_skip_requested': {
      const { table, commit_lsn } = event.body;
      return ask(state, { wish: { action: 'skip', commit_lsn }, tables: [table] });
    }
    case 'resync_requested': {
      const { tables, strategy, at } = event.body;
      const isFull = tables.length === 0;
      const wish = { action: 'resync', strategy, together: isFull } as const;
      const asked = ask(state, { wish, tables });
      return isFull ? { ...asked, resync: { since: at } } : asked;
    }
    case 'resync_finished':
      return { ...state, resync: undefined };
    case 'lanes_changed':
      return lanes && outstandingId(lanes.work) === event.body.command_id
        ? { ...state, lanes: rest(lanes) }
        : state;
    case 'step_failed':
      return failed(state, event);
    default:
      return lanes
        ? { ...state, lanes: { ...lanes, work: evolveWork(lanes.work, 'change_lanes', event) } }
        : state;
  }
}

/** The request that this failure ends: one that nobody's waiting would mend must not keep back those behind it. */
export function givenUpRequest(
  { lanes }: Streaming,
  { body }: StepFailed,
): LaneRequest | undefined {
  const isOver =
    lanes && body.next_retry_at === null && outstandingId(lanes.work) === body.command_id;
  return isOver ? lanes.requests[0] : undefined;
}

function failed(state: Streaming, event: StepFailed): Streaming {
  const { lanes } = state;
  if (!lanes) return state;
  const request = givenUpRequest(state, event);
  if (!request) {
    return { ...state, lanes: { ...lanes, work: evolveWork(lanes.work, 'change_lanes', event) } };
  }
  const isFull = request.wish.action === 'resync' && request.tables.length === 0;
  return { ...state, lanes: rest(lanes), resync: isFull ? undefined : state.resync };
}

function ask(state: Streaming, request: LaneRequest): Streaming {
  const lanes: LaneQueue = state.lanes
    ? { ...state.lanes, requests: [...state.lanes.requests, request] }
    : { requests: [request], work: READY };
  return { ...state, lanes };
}

function rest({ requests }: LaneQueue): LaneQueue | undefined {
  const [, ...others] = requests;
  return others.length === 0 ? undefined : { requests: others, work: READY };
}
