import { setTimeout as sleep } from 'node:timers/promises';
import { MirrorError, reportOf } from '@bunnydb/failure';
import { jetstream, type JetStreamClient, type JetStreamManager } from '@nats-io/jetstream';
import { Kvm, type KV } from '@nats-io/kv';
import { errors, type Msg, type NatsConnection } from '@nats-io/transport-node';
import type { Log } from './log.js';
import type {
  Messaging,
  MessagingSettings,
  RequestOptions,
  Stop,
  SubscribeOptions,
} from './messaging.js';
import { API_TIMEOUT_MS } from './connection-options.js';
import { toMessagingError } from './nats-failure.js';
import { traceHeaders } from './trace-headers.js';

const CLOSE_DEADLINE_MS = 2_000;

/** The connection as the services use it; `connectMessaging` makes it. */
export class NatsMessaging implements Messaging {
  readonly name: string;
  readonly nc: NatsConnection;
  readonly js: JetStreamClient;
  readonly jsm: JetStreamManager;
  readonly log: Log;
  readonly settings: MessagingSettings;
  readonly closed: Promise<void | Error>;
  readonly #kvm: Kvm;
  readonly #buckets = new Map<string, Promise<KV>>();
  readonly #reconnectListeners = new Set<() => void>();
  #connected = true;

  constructor(
    nc: NatsConnection,
    jsm: JetStreamManager,
    log: Log,
    name: string,
    settings: MessagingSettings,
  ) {
    this.nc = nc;
    this.js = jetstream(nc, { timeout: API_TIMEOUT_MS });
    this.jsm = jsm;
    this.log = log;
    this.name = name;
    this.settings = settings;
    this.#kvm = new Kvm(this.js);
    this.closed = nc.closed();
    void this.#followStatus();
  }

  get connected(): boolean {
    return this.#connected && !this.nc.isClosed() && !this.nc.isDraining();
  }

  async request<Answer>(subject: string, body: unknown, options: RequestOptions): Promise<Answer> {
    options.signal?.throwIfAborted();
    const traced = traceHeaders();
    try {
      const answer = this.nc.request(subject, JSON.stringify(body), {
        timeout: options.timeoutMs,
        ...(traced === undefined ? {} : { headers: traced }),
      });
      return (await this.#unlessInVain(answer, subject, options.signal)).json<Answer>();
    } catch (error) {
      if (error instanceof SyntaxError) {
        throw new MirrorError('protocol_violation', 'a reply is not JSON', { detail: { subject } });
      }
      throw toMessagingError(error, { subject });
    }
  }

  /** An answer is not waited for any more when nobody wants it, or when the connection was lost meanwhile, and the answer may be with it. */
  async #unlessInVain(
    answer: Promise<Msg>,
    subject: string,
    signal: AbortSignal | undefined,
  ): Promise<Msg> {
    // It may fail later, when nobody looks any more.
    answer.catch(() => undefined);
    let stop: Stop = () => undefined;
    const inVain = new Promise<never>((_, reject) => {
      const abort = (): void => reject(asError(signal?.reason));
      const off = this.onReconnect(() => {
        const words = 'the connection to nats was lost before the answer came';
        reject(new MirrorError('messaging_unavailable', words, { detail: { subject } }));
      });
      signal?.addEventListener('abort', abort, { once: true });
      stop = () => {
        off();
        signal?.removeEventListener('abort', abort);
      };
    });
    try {
      return await Promise.race([answer, inVain]);
    } finally {
      stop();
    }
  }

  publishJson(subject: string, body: unknown): void {
    if (this.connected) {
      this.nc.publish(subject, JSON.stringify(body));
    }
  }

  subscribeJson<Body>(
    subject: string,
    handler: (body: Body, subject: string) => void | Promise<void>,
    options: SubscribeOptions = {},
  ): Stop {
    return this.#subscribe(subject, options, async (message) => {
      await handler(message.json<Body>(), message.subject);
    });
  }

  respondJson<Request, Answer>(
    subject: string,
    handler: (request: Request, subject: string) => Answer | Promise<Answer>,
    options: SubscribeOptions = {},
  ): Stop {
    return this.#subscribe(subject, options, async (message) => {
      message.respond(JSON.stringify(await this.#answer(message, handler)));
    });
  }

  async #answer<Request, Answer>(
    message: Msg,
    handler: (request: Request, subject: string) => Answer | Promise<Answer>,
  ): Promise<unknown> {
    try {
      return await handler(requestOf<Request>(message), message.subject);
    } catch (error) {
      const failure = reportOf(error);
      this.log.warn({ subject: message.subject, kind: failure.kind }, 'a request failed');
      return { ok: false, failure };
    }
  }

  #subscribe(
    subject: string,
    options: SubscribeOptions,
    handle: (message: Msg) => Promise<void>,
  ): Stop {
    const subscription = this.nc.subscribe(subject, {
      ...(options.queue === undefined ? {} : { queue: options.queue }),
      callback: (error, message) => {
        if (error !== null) {
          this.log.error({ subject, error }, 'a subscription failed');
          return;
        }
        handle(message).catch((failure: unknown) => {
          this.log.error(
            {
              subject: message.subject,
              error: failure instanceof Error ? failure.name : 'unknown',
            },
            'a message could not be handled',
          );
        });
      },
    });
    return () => {
      if (!subscription.isClosed() && !this.nc.isClosed()) {
        subscription.unsubscribe();
      }
    };
  }

  onReconnect(listener: () => void): Stop {
    this.#reconnectListeners.add(listener);
    return () => {
      this.#reconnectListeners.delete(listener);
    };
  }

  bucket(name: string): Promise<KV> {
    const known = this.#buckets.get(name);
    if (known !== undefined) {
      return known;
    }
    const opening = this.#kvm.open(name);
    this.#buckets.set(name, opening);
    // A bucket that is not there yet must not be remembered as missing.
    opening.catch(() => this.#buckets.delete(name));
    return opening;
  }

  async close(deadlineMs: number = CLOSE_DEADLINE_MS): Promise<void> {
    if (this.nc.isClosed()) {
      return;
    }
    const drained = this.connected ? this.nc.drain().catch(() => undefined) : Promise.resolve();
    await Promise.race([drained, sleep(deadlineMs, undefined, { ref: false })]);
    await this.nc.close();
  }

  async #followStatus(): Promise<void> {
    for await (const status of this.nc.status()) {
      switch (status.type) {
        case 'disconnect':
          this.#connected = false;
          this.log.warn({ server: status.server }, 'the connection to nats is lost');
          break;
        case 'reconnect':
          this.#connected = true;
          this.log.info({ server: status.server }, 'the connection to nats is back');
          for (const listener of [...this.#reconnectListeners]) {
            listener();
          }
          break;
        case 'error':
          this.log.error(
            { error: status.error, ...refusedSubjectOf(status.error) },
            'nats reported an error',
          );
          break;
        case 'slowConsumer':
          this.log.warn({ pending: status.pending }, 'a subscription cannot keep up');
          break;
        default:
          break;
      }
    }
  }
}

/** A subject that the user may not use: whoever sets permissions has to know which. */
function refusedSubjectOf(error: Error): {
  readonly subject?: string;
  readonly operation?: string;
} {
  if (!(error instanceof errors.PermissionViolationError)) {
    return {};
  }
  return { subject: error.subject, operation: error.operation };
}

/** An empty payload stands for `{}`, so that `nats req <subject> ''` asks a question without arguments. */
function requestOf<Request>(message: Msg): Request {
  try {
    return message.data.length === 0 ? JSON.parse('{}') : message.json<Request>();
  } catch (error) {
    throw new MirrorError('invalid_input', 'the request is not JSON', { cause: error });
  }
}

function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error('aborted', { cause: reason });
}
