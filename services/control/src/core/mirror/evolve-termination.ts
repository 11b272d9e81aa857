import type { TableMapping } from '@bunnydb/contracts';
import { formatQualifiedName } from '@bunnydb/pg-model';
import { evolveFacts, nextGeneration } from './evolve-facts.js';
import { DONE, READY, evolveWork, outstandingId } from './evolve-step.js';
import type { MirrorEvent } from './mirror-event.js';
import type {
  CleanVerb,
  MirrorState,
  SettingUp,
  SettlingCommand,
  StepWork,
  Streaming,
  Terminating,
} from './mirror-state.js';
import { stepsOf } from './mirror-steps.js';

/** How a mirror begins to end: nothing is sent while a command that makes something has no answer yet. */
export function terminating(
  before: SettingUp | Streaming,
  wish: { readonly drop_tables: boolean; readonly force: boolean },
): Terminating {
  return {
    tag: 'terminating',
    mirror: { ...nextGeneration(before.mirror), tables: tablesToLeave(before) },
    force: wish.force,
    settling: settlingOf(before),
    steps: {
      clean_source: READY,
      clean_destination: READY,
      drop_tables: wish.drop_tables ? READY : DONE,
    },
    left: [],
  };
}

/** An edit under way may have made tables already, or not yet dropped what it shall drop. */
function tablesToLeave(before: SettingUp | Streaming): readonly TableMapping[] {
  const { tables } = before.mirror;
  if (before.tag === 'setting_up' || !before.edit) return tables;
  const more = 'tables' in before.edit ? before.edit.tables : before.edit.dropping;
  const known = new Set(tables.map(({ destination }) => formatQualifiedName(destination)));
  return [
    ...tables,
    ...more.filter(({ destination }) => !known.has(formatQualifiedName(destination))),
  ];
}

/** Late answers of these would leave something behind. What builds structure only is no obstacle: it lasts, and makes nothing that stays alone. */
function settlingOf(before: SettingUp | Streaming): readonly SettlingCommand[] {
  return stepsOf(before).flatMap(([verb, work]) =>
    work.tag === 'outstanding' && verb !== 'build_structure' && verb !== 'sync_schema'
      ? [{ verb, commandId: work.commandId, sentAt: work.sentAt }]
      : [],
  );
}

/** Folds one event into a mirror that is being deleted. */
export function evolveTerminating(state: Terminating, event: MirrorEvent): MirrorState {
  switch (event.type) {
    case 'tables_provisioned':
    case 'publication_changed':
    case 'lanes_changed':
      return settled(state, event.body.command_id);
    case 'source_prepared':
    case 'source_rebuilt':
      // A slot that was made late is cleaned (again), whoever asked for it.
      return withStep(settled(state, event.body.command_id), 'clean_source', READY);
    case 'position_restarted':
      return withStep(settled(state, event.body.command_id), 'clean_destination', READY);
    case 'source_cleaned':
      return leave(finished(state, 'clean_source', event.body.command_id), event.body.left);
    case 'destination_cleaned':
      return leave(finished(state, 'clean_destination', event.body.command_id), event.body.left);
    case 'tables_dropped': {
      const { command_id: commandId, left } = event.body;
      return leave(finished(settled(state, commandId), 'drop_tables', commandId), left);
    }
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
  return {
    ...state,
    settling: state.settling.filter((command) => command.commandId !== commandId),
  };
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
