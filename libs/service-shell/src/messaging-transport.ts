import { setTimeout as sleep } from 'node:timers/promises';
import type { ServiceName } from '@bunnydb/contracts';
import { MirrorError, reportOf } from '@bunnydb/failure';
import {
  TRACE_PARENT,
  contextOf,
  inSpan,
  runCommandLoop,
  type AnyCommandHandler,
  type Messaging,
} from '@bunnydb/messaging';
import type { Msg, Subscription } from '@nats-io/transport-node';
import {
  ServerNats,
  type CustomTransportStrategy,
  type MessageHandler,
} from '@nestjs/microservices';
import { isObservable, lastValueFrom } from 'rxjs';
import { type LivenessDoor, pullLoopWatch } from './liveness.js';
import type { MetricDoor } from './metric-board.js';
import { verbOfPattern } from './handler-patterns.js';
import { PlainJsonDeserializer, PlainJsonSerializer } from './plain-json.js';

const DRAIN_MS = 5_000;

export interface TransportOptions {
  readonly messaging: Messaging;
  readonly service: ServiceName;
  readonly instance: string;
  readonly metrics?: MetricDoor;
  readonly liveness?: LivenessDoor;
}

/**
 * Nest's NATS transport on the service's own connection, with plain JSON on the wire, and the command stream as a second source of
 * work: handlers marked `@HandleQuery(subject)` get requests, shared among the instances of a service by a queue of its name;
 * those marked `@HandleCommand(verb)` are fed by `runCommandLoop`.
 */
export class MessagingTransport extends ServerNats implements CustomTransportStrategy {
  readonly #options: TransportOptions;
  readonly #intake = new AbortController();
  readonly #subscriptions: Subscription[] = [];
  readonly #requests = new Set<Promise<void>>();
  #commands: Promise<void> = Promise.resolve();

  constructor(options: TransportOptions) {
    super({ serializer: new PlainJsonSerializer(), deserializer: new PlainJsonDeserializer() });
    this.#options = options;
  }

  /** Called by Nest once every handler is known. */
  override listen(callback: (error?: unknown) => void): Promise<void> {
    const commands = new Map<string, AnyCommandHandler>();
    for (const [pattern, handler] of this.messageHandlers) {
      const verb = verbOfPattern(pattern);
      if (verb === undefined) {
        this.#subscribe(pattern);
      } else {
        commands.set(verb, this.#counted(verb, commandHandlerOf(handler)));
      }
    }
    const { liveness } = this.#options;
    if (commands.size > 0) {
      this.#commands = runCommandLoop({
        ...this.#options,
        handlers: Object.fromEntries(commands),
        signal: this.#intake.signal,
        ...(liveness === undefined ? {} : { watch: pullLoopWatch(liveness, 'commands') }),
      });
    }
    callback();
    return Promise.resolve();
  }

  /** Takes nothing more in and waits for what is in hand. The connection belongs to the shell and stays. */
  override async close(): Promise<void> {
    this.#intake.abort();
    const { nc } = this.#options.messaging;
    for (const subscription of this.#subscriptions.splice(0)) {
      if (!nc.isClosed()) {
        subscription.unsubscribe();
      }
    }
    const drained = Promise.allSettled([this.#commands, ...this.#requests]);
    await Promise.race([drained, sleep(DRAIN_MS, undefined, { ref: false })]);
  }

  /** A payload that is not JSON is answered too, which Nest would leave to time out. */
  override async handleMessage(channel: string, message: Msg): Promise<void> {
    try {
      await super.handleMessage(channel, message);
    } catch (error) {
      if (!(error instanceof MirrorError) || message.reply === undefined) {
        throw error;
      }
      message.respond(JSON.stringify({ ok: false, failure: reportOf(error) }));
    }
  }

  /** Counts how commands of a verb end, for `/metrics`. */
  #counted(verb: string, handle: AnyCommandHandler): AnyCommandHandler {
    const counts = { done: 0, failed: 0 };
    this.#options.metrics?.add(() =>
      Object.entries(counts).map(([outcome, value]) => ({
        name: 'bunny_commands_total',
        labels: { verb, outcome },
        value,
      })),
    );
    return async (command, context) => {
      try {
        const answer = await handle(command, context);
        counts.done += 1;
        return answer;
      } catch (error) {
        // A process that stops leaves the command to another.
        if (!context.signal.aborted) counts.failed += 1;
        throw error;
      }
    };
  }

  /** A request that bears a trace is answered in it. */
  #answer(subject: string, message: Msg): Promise<void> {
    const traceParent = message.headers?.get(TRACE_PARENT);
    if (!traceParent) return this.handleMessage(subject, message);
    const { service } = this.#options;
    return inSpan(
      {
        tracer: `bunnydb.${service}`,
        name: `answer ${subject}`,
        parent: contextOf(traceParent),
        attributes: { 'bunny.subject': subject },
      },
      () => this.handleMessage(subject, message),
    );
  }

  #subscribe(subject: string): void {
    const { messaging, service } = this.#options;
    const subscription = messaging.nc.subscribe(subject, {
      queue: service,
      callback: (error, message) => {
        if (error !== null) {
          messaging.log.error({ subject, error }, 'a subscription failed');
          return;
        }
        const request: Promise<void> = this.#answer(subject, message)
          .catch((failure: unknown) => {
            messaging.log.error({ subject, error: failure }, 'a message could not be handled');
          })
          .finally(() => this.#requests.delete(request));
        this.#requests.add(request);
      },
    });
    this.#subscriptions.push(subscription);
  }
}

/** Nest wraps what a handler returns in an observable when a filter or interceptor is in the way. */
function commandHandlerOf(handler: MessageHandler): AnyCommandHandler {
  return async (command, context) => {
    const result: unknown = await handler(command, context);
    return answerOf(isObservable(result) ? await lastValueFrom(result) : result);
  };
}

function answerOf(result: unknown): { readonly type: string; readonly body: object } {
  if (typeof result === 'object' && result !== null && 'type' in result && 'body' in result) {
    const { type, body } = result;
    if (typeof type === 'string' && typeof body === 'object' && body !== null) {
      return { type, body };
    }
  }
  throw new MirrorError('unexpected', 'a command handler returned no answer');
}
