import {
  COMMAND_STREAM,
  commandConsumer,
  commandFilter,
  type AnyCommand,
  type AnyWorkerEvent,
  type DestinationCleaned,
  type LanesChanged,
  type PublicationChanged,
  type PositionRestarted,
  type SchemaSynced,
  type ServiceName,
  type SourceCleaned,
  type SourcePrepared,
  type StructureBuilt,
  type SourceRebuilt,
  type TablesDropped,
  type TablesProvisioned,
} from '@bunnydb/contracts';
import { MirrorError, reportOf } from '@bunnydb/failure';
import type { JsMsg } from '@nats-io/jetstream';
import { emitEvent } from './emit-event.js';
import type { Messaging } from './messaging.js';
import { WORKING_INTERVAL_MS, keepWorking, putBack, runPullLoop } from './pull-loop.js';
import { newWorkerEvent, type EventOrigin } from './worker-event.js';

/** Which event says that a command is done. */
interface DoneEvent {
  readonly provision_tables: TablesProvisioned;
  readonly drop_tables: TablesDropped;
  readonly build_structure: StructureBuilt;
  readonly prepare_source: SourcePrepared;
  readonly clean_source: SourceCleaned;
  readonly clean_destination: DestinationCleaned;
  readonly change_publication: PublicationChanged;
  readonly change_lanes: LanesChanged;
  readonly sync_schema: SchemaSynced;
  readonly rebuild_source: SourceRebuilt;
  readonly restart_position: PositionRestarted;
}

/** What a handler returns; the loop adds the command's id and everything that surrounds an event. */
export interface CommandAnswer<Event extends AnyWorkerEvent = DoneEvent[keyof DoneEvent]> {
  readonly type: Event['type'];
  readonly body: Omit<Event['body'], 'command_id'>;
}

export interface CommandContext {
  /** Aborts when the process stops: a handler that throws then leaves the command to the next instance. */
  readonly signal: AbortSignal;
}

export type CommandHandlers = {
  readonly [Verb in AnyCommand['verb']]?: (
    command: Extract<AnyCommand, { readonly verb: Verb }>,
    context: CommandContext,
  ) => Promise<CommandAnswer<DoneEvent[Verb]>>;
};

/** A handler when the verb is not known at compile time. */
export type AnyCommandHandler = (
  command: AnyCommand,
  context: CommandContext,
) => Promise<{ readonly type: string; readonly body: object }>;

export interface CommandLoopOptions {
  readonly messaging: Messaging;
  readonly service: ServiceName;
  readonly instance: string;
  readonly handlers: CommandHandlers;
  readonly signal: AbortSignal;
  /** How many commands are worked on at a time; 8 by default, since one may wait for minutes (a slot behind a long transaction). */
  readonly concurrency?: number;
}

const CONCURRENCY = 8;

/**
 * Works off the commands of a service until the signal aborts. The protocol of one command:
 *
 * 1. The command is pulled and stays on the stream; `working` acknowledgements keep it from being delivered to somebody else.
 * 2. The handler runs. What it throws becomes a `command_failed`; so does an unknown verb.
 * 3. The answer is stored on BUNNY_EVENTS.
 * 4. Only then is the command acknowledged, which removes it.
 *
 * A crash before 4 delivers the command again, so a handler is idempotent, and control may see a second answer to the same command.
 */
export async function runCommandLoop(options: CommandLoopOptions): Promise<void> {
  const inProgress = new Set<string>();
  await runPullLoop({
    messaging: options.messaging,
    stream: COMMAND_STREAM,
    durable: commandConsumer(options.service),
    filter: commandFilter(options.service),
    concurrency: options.concurrency ?? CONCURRENCY,
    signal: options.signal,
    handle: (message) => handleCommand(message, options, inProgress),
  });
}

async function handleCommand(
  message: JsMsg,
  options: CommandLoopOptions,
  inProgress: Set<string>,
): Promise<void> {
  const command = parseCommand(message);
  if (command === undefined) {
    options.messaging.log.error({ subject: message.subject }, 'a command cannot be read, dropped');
    message.term('not a command');
    return;
  }
  if (inProgress.has(command.command_id)) {
    // A second delivery while the first is still worked on (its `working` was lost): the first one settles it.
    putBack(message, WORKING_INTERVAL_MS);
    return;
  }
  inProgress.add(command.command_id);
  const endWorking = keepWorking(message);
  try {
    const event = await answerOf(command, options);
    if (event === undefined) {
      putBack(message);
      return;
    }
    await emitEvent(options.messaging, event);
    message.ack();
  } finally {
    endWorking();
    inProgress.delete(command.command_id);
  }
}

/** The event to answer with; undefined when the process stops and the command is left to another instance. */
async function answerOf(
  command: AnyCommand,
  options: CommandLoopOptions,
): Promise<AnyWorkerEvent | undefined> {
  const origin: EventOrigin = { service: options.service, instance: options.instance };
  const { log } = options.messaging;
  try {
    const answer = await handlerOf(command, options.handlers)(command, { signal: options.signal });
    log.info({ verb: command.verb, mirror: command.mirror_id }, 'a command is done');
    return doneEvent(origin, command, answer);
  } catch (error) {
    if (options.signal.aborted) {
      return undefined;
    }
    const failure = reportOf(error);
    log.error(
      { verb: command.verb, mirror: command.mirror_id, kind: failure.kind, error },
      'a command failed',
    );
    return newWorkerEvent(origin, command.mirror_id, 'command_failed', {
      command_id: command.command_id,
      failure,
    });
  }
}

function handlerOf(command: AnyCommand, handlers: CommandHandlers): AnyCommandHandler {
  const handler = new Map(Object.entries(handlers)).get(command.verb);
  if (handler === undefined) {
    throw new MirrorError('protocol_violation', 'this service does not know the command', {
      detail: { verb: command.verb },
    });
  }
  // The map is keyed by the verb that picks the command's type, which TypeScript cannot follow.
  return handler as AnyCommandHandler;
}

function doneEvent(
  origin: EventOrigin,
  command: AnyCommand,
  answer: { readonly type: string; readonly body: object },
): AnyWorkerEvent {
  const body = { ...answer.body, command_id: command.command_id };
  // `CommandHandlers` ties the answer's type and body to the verb.
  return newWorkerEvent(
    origin,
    command.mirror_id,
    answer.type as 'tables_dropped',
    body as TablesDropped['body'],
  );
}

function parseCommand(message: JsMsg): AnyCommand | undefined {
  try {
    const command = message.json<Partial<AnyCommand>>();
    const known =
      typeof command.command_id === 'string' &&
      typeof command.verb === 'string' &&
      typeof command.mirror_id === 'string';
    return known ? (command as AnyCommand) : undefined;
  } catch {
    return undefined;
  }
}
