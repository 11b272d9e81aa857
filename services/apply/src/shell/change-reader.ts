import { inboxPrefix } from '@bunnydb/contracts';
import type { Messaging } from '@bunnydb/messaging';
import { isMissingResource, toMessagingError } from '@bunnydb/messaging';
import { MirrorError } from '@bunnydb/failure';
import { AckPolicy, DeliverPolicy, ReplayPolicy } from '@nats-io/jetstream';
import { type Msg, type Subscription, createInbox, nanos } from '@nats-io/transport-node';
import type { RawMessage } from '../core/change-message.js';

export interface ChangeReaderOptions {
  readonly messaging: Messaging;
  readonly stream: string;
  readonly startSeq: number;
  readonly signal: AbortSignal;
}

interface OpenRequest {
  bytes: number;
  messages: number;
  readonly expiresAtMs: number;
}

/**
 * Reads a change stream in order, message by message, from a sequence on.
 *
 * A temporary consumer without acknowledgements is pulled by *bytes*: at most `WINDOW_BYTES` are asked for or wait here, so memory is
 * bounded whatever the messages' sizes. The consumer's own numbering shows a lost message; then, after a reconnect, and when the server falls silent, the
 * consumer is made anew behind the last message that was handed out. A stream that was deleted or set back shows there, as `stream_lost`.
 */
export class ChangeReader {
  readonly #options: ChangeReaderOptions;
  readonly #inbox = createInbox(inboxPrefix('apply'));
  readonly #messages: { readonly raw: RawMessage; readonly bytes: number }[] = [];
  readonly #requests: OpenRequest[] = [];
  #subscription: Subscription | undefined;
  #consumer = '';
  #consumerNumber = 0;
  #created: string | undefined;
  #nextSeq: number;
  #nextDelivery = 1;
  #waitingBytes = 0;
  #pendingCount = 0;
  #heardAtMs = 0;
  #failure: unknown;
  #wake: (() => void) | undefined;
  #isRestarting = false;
  /** Whether the consumer was there when last looked at. */
  #isOpen = false;
  #watchdog: NodeJS.Timeout | undefined;
  #endReconnects: (() => void) | undefined;

  static async open(options: ChangeReaderOptions): Promise<ChangeReader> {
    const reader = new ChangeReader(options);
    await reader.#restart();
    reader.#watch();
    return reader;
  }

  private constructor(options: ChangeReaderOptions) {
    this.#options = options;
    this.#nextSeq = options.startSeq;
  }

  /** Whether everything that the stream had, as far as the server has told, was handed out. */
  get isDrained(): boolean {
    return this.#messages.length === 0 && this.#pendingCount === 0;
  }

  /** The next message; undefined when the signal has aborted. @throws MirrorError `stream_lost` or `messaging_unavailable`. */
  async next(): Promise<RawMessage | undefined> {
    for (;;) {
      if (this.#options.signal.aborted) return undefined;
      if (this.#failure !== undefined) throw this.#failure;
      const message = this.#messages.shift();
      if (message) {
        this.#waitingBytes -= message.bytes;
        this.#pull();
        return message.raw;
      }
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  async close(): Promise<void> {
    clearInterval(this.#watchdog);
    this.#endReconnects?.();
    this.#options.signal.removeEventListener('abort', this.#notify);
    this.#subscription?.unsubscribe();
    const { jsm, connected } = this.#options.messaging;
    if (connected && this.#consumer !== '')
      await jsm.consumers.delete(this.#options.stream, this.#consumer).catch(() => undefined);
  }

  #watch(): void {
    const { messaging, signal } = this.#options;
    this.#endReconnects = messaging.onReconnect(() => this.#restartSoon());
    signal.addEventListener('abort', this.#notify, { once: true });
    this.#watchdog = setInterval(() => {
      // While nothing is asked for, nothing is heard.
      const isSilent =
        this.#requests.length > 0 && performance.now() - this.#heardAtMs > SILENCE_MS;
      if (messaging.connected && (isSilent || !this.#isOpen)) this.#restartSoon();
      else this.#pull();
    }, SILENCE_MS / 2);
    this.#watchdog.unref();
  }

  #restartSoon(): void {
    if (this.#isRestarting) return;
    this.#restart().catch((error: unknown) => {
      const failure = toMessagingError(error, { stream: this.#options.stream });
      // While NATS is away there is nothing to do but wait: the next reconnect tries again.
      if (failure.kind === 'messaging_unavailable') return;
      this.#failure = failure;
      this.#notify();
    });
  }

  /** Makes the consumer anew behind what was received. */
  async #restart(): Promise<void> {
    this.#isRestarting = true;
    this.#isOpen = false;
    try {
      const { messaging, stream } = this.#options;
      this.#subscription?.unsubscribe();
      this.#requests.length = 0;
      await this.#checkStream();
      const before = this.#consumer;
      const info = await messaging.jsm.consumers.add(stream, {
        ack_policy: AckPolicy.None,
        deliver_policy: DeliverPolicy.StartSequence,
        opt_start_seq: Math.max(this.#nextSeq, 1),
        replay_policy: ReplayPolicy.Instant,
        inactive_threshold: nanos(INACTIVE_MS),
        mem_storage: true,
        num_replicas: 1,
        description: 'BunnyDB apply',
      });
      this.#consumer = info.name;
      this.#consumerNumber += 1;
      this.#pendingCount = info.num_pending;
      this.#nextDelivery = 1;
      this.#heardAtMs = performance.now();
      const number = this.#consumerNumber;
      this.#subscription = messaging.nc.subscribe(`${this.#inbox}.${number}.*`, {
        callback: (error, message) => {
          if (error === null && number === this.#consumerNumber) this.#take(message);
        },
      });
      if (before !== '') void messaging.jsm.consumers.delete(stream, before).catch(() => undefined);
      this.#isOpen = true;
    } catch (error) {
      if (isMissingResource(error)) throw streamLost(this.#options.stream);
      throw toMessagingError(error, { stream: this.#options.stream });
    } finally {
      this.#isRestarting = false;
    }
    this.#pull();
  }

  /** A stream that is younger than we are, or ends before what we have read, is another one. */
  async #checkStream(): Promise<void> {
    const { messaging, stream } = this.#options;
    const info = await messaging.jsm.streams.info(stream);
    this.#created ??= info.created;
    if (info.created !== this.#created || info.state.last_seq + 1 < this.#nextSeq) {
      throw streamLost(stream);
    }
  }

  readonly #notify = (): void => {
    this.#wake?.();
    this.#wake = undefined;
  };

  #take(message: Msg): void {
    this.#heardAtMs = performance.now();
    if (message.subject.startsWith(this.#inbox)) {
      this.#handleStatus(message);
      return;
    }
    const place = placeOf(message.reply ?? '');
    if (place.delivery !== this.#nextDelivery) {
      this.#restartSoon();
      return;
    }
    this.#nextDelivery += 1;
    this.#nextSeq = place.streamSeq + 1;
    this.#pendingCount = place.pending;
    const bytes = sizeOf(message);
    this.#settleRequest(bytes);
    this.#waitingBytes += bytes;
    this.#messages.push({ raw: rawOf(message, place.streamSeq), bytes });
    this.#pull();
    this.#notify();
  }

  /** A heartbeat says that all is well; the end of a request (none left, expired, full) calls for another; anything else is trouble. */
  #handleStatus(message: Msg): void {
    const code = message.headers?.code;
    if (code === HEARTBEAT) return;
    const isFull = code === 409 && /exceeds? maxbytes/i.test(message.headers?.description ?? '');
    if (!isFull && code !== 404 && code !== 408) {
      // The consumer was deleted, maybe because it was idle while the destination blocked; or JetStream is not there.
      this.#restartSoon();
      return;
    }
    this.#requests.shift();
    this.#pull();
  }

  /** The server serves requests in turn. */
  #settleRequest(bytes: number): void {
    const [request] = this.#requests;
    if (!request) return;
    request.bytes -= bytes;
    request.messages -= 1;
    if (request.bytes <= 0 || request.messages <= 0) this.#requests.shift();
  }

  #pull(): void {
    const nowMs = performance.now();
    while (this.#requests[0] && this.#requests[0].expiresAtMs < nowMs) this.#requests.shift();
    const { messaging, stream } = this.#options;
    // A single message has to fit, whatever its size.
    const requestBytes =
      Math.max(REQUEST_BYTES, messaging.nc.info?.max_payload ?? 0) + HEADER_ROOM_BYTES;
    const asked = this.#requests.reduce((sum, request) => sum + request.bytes, 0);
    if (asked >= requestBytes / 2 || this.#requests.length >= REQUESTS_MAX) return;
    if (asked + this.#waitingBytes + requestBytes > Math.max(WINDOW_BYTES, requestBytes)) return;
    if (!messaging.connected || !this.#isOpen) return;
    this.#requests.push({
      bytes: requestBytes,
      messages: REQUEST_MESSAGES,
      expiresAtMs: nowMs + EXPIRES_MS,
    });
    messaging.nc.publish(
      `$JS.API.CONSUMER.MSG.NEXT.${stream}.${this.#consumer}`,
      JSON.stringify({
        batch: REQUEST_MESSAGES,
        max_bytes: requestBytes,
        expires: nanos(EXPIRES_MS),
        idle_heartbeat: nanos(HEARTBEAT_MS),
      }),
      { reply: `${this.#inbox}.${this.#consumerNumber}.r` },
    );
  }
}

function rawOf(message: Msg, streamSeq: number): RawMessage {
  const { headers } = message;
  return {
    subject: message.subject,
    streamSeq,
    headers: { get: (name) => headers?.get(name) ?? '' },
    payload: message.data,
  };
}

/** What the server counts against `max_bytes`, near enough. */
function sizeOf(message: Msg): number {
  return message.data.length + HEADER_BYTES_TYPICAL;
}

/** Reads the acknowledgement subject: `$JS.ACK.[<domain>.<account>.]<stream>.<consumer>.<delivered>.<stream seq>.<consumer seq>.<time>.<pending>[.<token>]`. */
function placeOf(reply: string): {
  readonly streamSeq: number;
  readonly delivery: number;
  readonly pending: number;
} {
  const tokens = reply.split('.');
  const first = tokens.length > 9 ? 6 : 4;
  return {
    streamSeq: Number(tokens[first + 1]),
    delivery: Number(tokens[first + 2]),
    pending: Number(tokens[first + 4]),
  };
}

function streamLost(stream: string): MirrorError {
  return new MirrorError('stream_lost', 'the change stream was deleted or set back', {
    detail: { stream },
  });
}

/** Bytes that wait here or are asked for, at most. */
const WINDOW_BYTES = 6 * 1024 * 1024;
const REQUEST_BYTES = 2 * 1024 * 1024;
const REQUEST_MESSAGES = 1_000;
const REQUESTS_MAX = 4;
const HEADER_ROOM_BYTES = 64 * 1024;
const HEADER_BYTES_TYPICAL = 600;
const EXPIRES_MS = 20_000;
const HEARTBEAT_MS = 2_000;
const HEARTBEAT = 100;
const SILENCE_MS = 6_000;
const INACTIVE_MS = 60_000;
