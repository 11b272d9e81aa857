import type { AnyWorkerEvent, CommandFailed, ServiceName } from '@bunnydb/contracts';
import { backoffDelayMs } from '@bunnydb/failure';
import { formatQualifiedName } from '@bunnydb/pg-model';
import { type Decision, accepted } from '../decision.js';
import { isAwaited } from './evolve-edit.js';
import type { MirrorEvent, StepVerb } from './mirror-event.js';
import type { MirrorState, SettlingCommand } from './mirror-state.js';
import { outstandingCommands, stepsOf, streamingOf } from './mirror-steps.js';

type MirrorDecision = Decision<MirrorEvent>;

/** What a worker's word comes to. It is never refused: what does not concern the state is no event. */
export function decideRecord(
  state: MirrorState,
  event: AnyWorkerEvent,
  now: Date,
  random: number,
): MirrorDecision {
  // A word that comes after the end (or about a mirror of another catalog) changes nothing any more.
  if (state.tag === 'absent' || state.tag === 'dropped') return accepted();
  if (event.type === 'command_failed') return decideFailure(state, event, now, random);
  // Sessions say so at their first success, whether or not there was a failure before.
  if (event.type === 'session_recovered' && !hasTrouble(state, event.service)) return accepted();
  const recorded = recordedEvent(state, event, now);
  return event.type === 'publication_changed'
    ? accepted(recorded, ...tablesChanged(state, event.body.command_id))
    : accepted(recorded);
}

/** The command of a step that a delete waits for. */
export function settlingOf(state: MirrorState, commandId: string): SettlingCommand | undefined {
  return state.tag === 'terminating'
    ? state.settling.find((command) => command.commandId === commandId)
    : undefined;
}

function recordedEvent(
  state: MirrorState,
  event: Exclude<AnyWorkerEvent, CommandFailed>,
  now: Date,
): MirrorEvent {
  const { type, body, service, instance } = event;
  const seconds = 'command_id' in body ? stepSeconds(state, body.command_id, now) : undefined;
  const took = seconds === undefined ? {} : { step_seconds: seconds };
  // The type and the body belong together in `AnyWorkerEvent`, and spreading keeps them so; TypeScript cannot follow it.
  return { type, body: { ...body, service, instance, ...took } } as MirrorEvent;
}

/** The publication holds what an edit wants: now the mirror has those tables. */
function tablesChanged(state: MirrorState, commandId: string): readonly MirrorEvent[] {
  const streaming = streamingOf(state);
  const edit = streaming?.edit;
  if (!streaming || edit?.stage !== 'change_publication' || !isAwaited(edit, commandId)) return [];
  const { tables, patterns } = edit;
  const present = new Set(streaming.mirror.tables.map(({ source }) => formatQualifiedName(source)));
  const wanted = new Set(tables.map(({ source }) => formatQualifiedName(source)));
  return [
    {
      type: 'tables_changed',
      body: {
        added: tables.filter(({ source }) => !present.has(formatQualifiedName(source))),
        removed: [...present].filter((name) => !wanted.has(name)),
        patterns,
      },
    },
  ];
}

function decideFailure(
  state: MirrorState,
  event: CommandFailed,
  now: Date,
  random: number,
): MirrorDecision {
  const { command_id, failure } = event.body;
  const { service, instance } = event;
  const seconds = stepSeconds(state, command_id, now);
  const common = {
    command_id,
    failure,
    service,
    instance,
    ...(seconds === undefined ? {} : { step_seconds: seconds }),
  };
  for (const [verb, work] of stepsOf(state)) {
    if (work.tag !== 'outstanding' || work.commandId !== command_id) continue;
    const failures = work.failures + 1;
    // Cleaning goes on by itself whatever the failure: a delete has to come to its end.
    const isTimed =
      (failure.action === 'retry_timed' || state.tag === 'terminating') && !isDecidedAnew(verb);
    const next_retry_at = isTimed
      ? new Date(now.getTime() + backoffDelayMs(failures, random)).toISOString()
      : null;
    return accepted({ type: 'step_failed', body: { verb, failures, next_retry_at, ...common } });
  }
  const settling = settlingOf(state, command_id);
  if (!settling) return accepted();
  const { verb } = settling;
  return accepted({
    type: 'step_failed',
    body: { verb, failures: 0, next_retry_at: null, ...common },
  });
}

/** Changes of structure that a person asked for are not made long after, when nobody looks any more. */
function isDecidedAnew(verb: StepVerb): boolean {
  return verb === 'sync_schema';
}

/** How long a command was under way, from when it was decided. */
function stepSeconds(state: MirrorState, commandId: string, now: Date): number | undefined {
  const command = outstandingCommands(state).find((known) => known.commandId === commandId);
  if (!command) return undefined;
  return Math.max(0, Math.round((now.getTime() - Date.parse(command.sentAt)) / 10) / 100);
}

function hasTrouble(state: MirrorState, service: ServiceName): boolean {
  return state.tag === 'streaming' && state.troubles[service] !== undefined;
}
