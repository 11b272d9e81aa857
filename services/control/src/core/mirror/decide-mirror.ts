import { type Decision, accepted, assertNever, refused } from '../decision.js';
import { decideAlerts } from './decide-alerts.js';
import { decideRecord, settlingOf } from './decide-record.js';
import {
  beingDeleted,
  decideHoldTable,
  decideResync,
  decideRetryTable,
  decideSyncSchema,
  decideTables,
} from './decide-tables.js';
import type { MirrorCommand } from './mirror-command.js';
import type { MirrorEvent, StepVerb } from './mirror-event.js';
import type { MirrorState, StepWork } from './mirror-state.js';
import { stepsOf } from './mirror-steps.js';
import { mirrorStatus } from './mirror-status.js';

type MirrorDecision = Decision<MirrorEvent>;

/** Judges a command against a mirror's state. Workers and the clock are never refused: what does not concern the state is no event. */
export function decideMirror(state: MirrorState, command: MirrorCommand): MirrorDecision {
  switch (command.type) {
    case 'create':
      return state.tag === 'absent'
        ? accepted({ type: 'mirror_created', body: command.body })
        : refused('conflict', 'a mirror with this id exists already');
    case 'record':
      return decideRecord(state, command.event, command.now, command.random);
    case 'tick':
      return decideTick(state, command.now);
    case 'note_lost':
      return decideLost(state, command.commandId);
    case 'note_alerts':
      return decideAlerts(state, command);
    default:
      return decideWish(state, command);
  }
}

type Wish = Exclude<
  MirrorCommand,
  { type: 'create' | 'record' | 'tick' | 'note_lost' | 'note_alerts' }
>;

function decideWish(state: MirrorState, wish: Wish): MirrorDecision {
  if (state.tag === 'absent' || state.tag === 'dropped') {
    return refused('not_found', 'the mirror does not exist');
  }
  switch (wish.type) {
    case 'pause':
      if (state.tag === 'paused') return refused('conflict', 'the mirror is paused already');
      if (state.tag === 'terminating') return beingDeleted(state);
      return accepted({ type: 'mirror_paused', body: {} });
    case 'resume':
      if (state.tag === 'paused') return accepted({ type: 'mirror_resumed', body: {} });
      if (state.tag === 'terminating') return beingDeleted(state);
      return refused(
        'conflict',
        `the mirror is ${mirrorStatus(state)}, not paused; pause it before you resume it`,
      );
    case 'retry':
      return hasWait(state)
        ? accepted({ type: 'mirror_retried', body: {} })
        : refused(
            'conflict',
            `the mirror is ${mirrorStatus(state)} and nothing waits to be retried`,
          );
    case 'retry_table':
      return decideRetryTable(state, wish);
    case 'hold_table':
      return decideHoldTable(state, wish);
    case 'resync':
      return decideResync(state, wish);
    case 'change_tables':
      return decideTables(state, wish);
    case 'sync_schema':
      return decideSyncSchema(state, wish.wishes);
    case 'delete':
      return decideDelete(state, wish.dropTables, wish.force);
    case 'change_options':
      return state.tag === 'terminating'
        ? beingDeleted(state)
        : accepted({ type: 'mirror_options_changed', body: { options: wish.options } });
    case 'note_peer_changed':
      // A mirror that is being deleted needs the new address, too: its clean-up may wait for it.
      return accepted({ type: 'mirror_peer_changed', body: { peer: wish.peer } });
    default:
      return assertNever(wish);
  }
}

/** Deleting twice is no error; `force` can be added later. */
function decideDelete(state: MirrorState, dropTables: boolean, force: boolean): MirrorDecision {
  if (state.tag !== 'terminating') {
    return accepted({
      type: 'mirror_delete_requested',
      body: { drop_tables: dropTables, force },
    });
  }
  return force && !state.force ? accepted({ type: 'mirror_delete_forced', body: {} }) : accepted();
}

function decideTick(state: MirrorState, now: Date): MirrorDecision {
  if (state.tag === 'paused') return accepted();
  return accepted(
    ...stepsOf(state)
      .filter(([, work]) => isDue(work, now))
      .map(([verb]): MirrorEvent => ({ type: 'step_retry_due', body: { verb } })),
  );
}

function decideLost(state: MirrorState, commandId: string): MirrorDecision {
  const lost = (verb: StepVerb): MirrorDecision =>
    accepted({ type: 'step_lost', body: { verb, command_id: commandId } });
  for (const [verb, work] of stepsOf(state)) {
    if (work.tag === 'outstanding' && work.commandId === commandId) return lost(verb);
  }
  const settling = settlingOf(state, commandId);
  return settling ? lost(settling.verb) : accepted();
}

function isDue(work: StepWork, now: Date): boolean {
  // `<=`: a wait that ends at this very moment is over.
  return (
    work.tag === 'waiting' &&
    work.nextRetryAt !== null &&
    Date.parse(work.nextRetryAt) <= now.getTime()
  );
}

function hasWait(state: MirrorState): boolean {
  if (state.tag === 'streaming' && Object.keys(state.troubles).length > 0) return true;
  return state.tag !== 'paused' && stepsOf(state).some(([, work]) => work.tag === 'waiting');
}
