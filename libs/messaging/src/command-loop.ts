import {
  COMMAND_STREAM,
  commandConsumer,
  commandFilter,
  isOfNewerVersion,
  type AnyCommand,
  type AnyWorkerEvent,
  type DestinationCleaned,
  type LanesChanged,
  type PositionRestarted,
  type PublicationChanged,
  type SchemaSynced,
  type ServiceName,
  type SourceCleaned,
  type SourcePrepared,
  type SourceRebuilt,
  type StructureBuilt,
  type TablesDropped,
  type TablesProvisioned,
} from '@bunnydb/contracts';
import { MirrorError, reportOf } from '@bunnydb/failure';
import { type Context, context, trace } from '@opentelemetry/api';
import type { JsMsg } from '@nats-io/jetstream';
import { emitEvent } from './emit-event.js';
import type { Messaging } from './messaging.js';
import {
  type LoopWatch,
  WORKING_INTERVAL_MS,
  keepWorking,
  putBack,
  runPullLoop,
} from './pull-loop.js';
import { TRACE_PARENT, contextOf, inSpan } from './trace-context.js';
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
  readonly rebuild_source: SourceRebuilt;
  readonly restart_position: PositionRestarted;
  readonly sync_schema: SchemaSynced;
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
  readonly watch?: LoopWatch;
}

const LEFT_WAIT_MS = 500;
const UNKNOWN_DELIVERIES_MAX = 8;
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
    ...(options.watch === undefined ? {} : { watch: options.watch }),
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
  if (isForNewer(command, message, options)) {
    const { verb, mirror_id: mirror } = command;
    options.messaging.log.warn({ verb, mirror }, 'a command is left to a newer version');
    putBack(message, LEFT_WAIT_MS);
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
    const work = new TracedWork(command, options, contextOf(message.headers?.get(TRACE_PARENT)));
    const event = await work.answer();
    if (event === undefined) {
      putBack(message);
      return;
    }
    await work.within(() => emitEvent(options.messaging, event));
    message.ack();
  } finally {
    endWorking();
    inProgress.delete(command.command_id);
  }
}

/**
 * Instances of two versions share the queue during an upgrade. A form that this one cannot read is not its to judge; a verb that nobody knew for
 * some seconds is answered with a failure, so that the saga does not wait for ever.
 */
function isForNewer(command: AnyCommand, message: JsMsg, options: CommandLoopOptions): boolean {
  if (isOfNewerVersion(command)) return true;
  const isKnown = Object.hasOwn(options.handlers, command.verb);
  return !isKnown && message.info.deliveryCount < UNKNOWN_DELIVERIES_MAX;
}

/** A command at work, in the trace of whoever sent it. */
class TracedWork {
  readonly #command: AnyCommand;
  readonly #options: CommandLoopOptions;
  readonly #parent: Context;
  /** What follows from the command belongs to its span, also when that has ended. */
  #inside: Context;

  constructor(command: AnyCommand, options: CommandLoopOptions, parent: Context) {
    this.#command = command;
    this.#options = options;
    this.#parent = parent;
    this.#inside = parent;
  }

  within<Result>(work: () => Result): Result {
    return context.with(this.#inside, work);
  }

  /** The event to answer with; undefined when the process stops and the command is left to another instance. */
  async answer(): Promise<AnyWorkerEvent | undefined> {
    const { messaging, service, instance, signal } = this.#options;
    const origin: EventOrigin = { service, instance };
    const { verb, mirror_id: mirror, command_id } = this.#command;
    try {
      const answer = await this.#handle();
      this.within(() => messaging.log.info({ verb, mirror }, 'a command is done'));
      return doneEvent(origin, this.#command, answer);
    } catch (error) {
      if (signal.aborted) return undefined;
      const failure = reportOf(error);
      const fields = { verb, mirror, kind: failure.kind, error };
      this.within(() => messaging.log.error(fields, 'a command failed'));
      return newWorkerEvent(origin, mirror, 'command_failed', { command_id, failure });
    }
  }

  async #handle(): ReturnType<AnyCommandHandler> {
    const { service, handlers, signal } = this.#options;
    const { verb, mirror_id, command_id } = this.#command;
    const attributes = { 'bunny.mirror_id': mirror_id, 'bunny.command': command_id };
    return await inSpan(
      { tracer: `bunnydb.${service}`, name: `command ${verb}`, parent: this.#parent, attributes },
      (span) => {
        this.#inside = trace.setSpan(this.#parent, span);
        return handlerOf(this.#command, handlers)(this.#command, { signal });
      },
    );
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
