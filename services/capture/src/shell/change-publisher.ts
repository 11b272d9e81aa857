import { inboxPrefix } from '@bunnydb/contracts';
import { type FailureKind, MirrorError } from '@bunnydb/failure';
import {
  type Msg,
  type NatsConnection,
  type Subscription,
  createInbox,
  headers,
} from '@nats-io/transport-node';
import type { Lsn } from '@bunnydb/pg-model';
import type { MessageSink, OutgoingMessage } from '../core/outgoing-message.js';
import { type PublishAnswer, parseAnswer } from './publish-answer.js';

export interface ChangePublisherOptions {
  readonly nc: NatsConnection;
  /** The stream's last sequence, as it was read when this session found its start. */
  readonly lastSequence: number;
  /** Unacknowledged payload above which `hasRoom` says no. */
  readonly windowBytesMax: number;
  /** Messages have been stored; there may be room again. */
  readonly onStored: () => void;
  /** A commit message and the batch that it closes have been stored. */
  readonly onBatchStored: (batch: StoredBatch) => void;
  /**
   * The stream refused for want of room; it is tried again until there is some. Called about ten times a second.
   *
   * @param openSequence the first message of the batch that is being stored; never past the stream's end.
   */
  readonly onFull: (openSequence: number) => void;
  /** The payload's buffer may be used again. */
  readonly onReleased: (buffer: Uint8Array) => void;
  /** Nothing more will be stored by this publisher. */
  readonly onFailed: (failure: MirrorError) => void;
}

export interface StoredBatch {
  /** Of its commit message. */
  readonly sequence: number;
  readonly bytes: number;
  readonly lastLsn: Lsn;
  /** From its commit message to the answer. */
  readonly storeSeconds: number;
}

interface Outstanding {
  readonly message: OutgoingMessage;
  readonly sequence: number;
  /** Id of the message before it; null for the first of the session. */
  readonly previousId: string | null;
  sentAtMs: number;
}

/**
 * Publishes the change stream, pipelined, and fences off whoever else writes into it.
 *
 * The first message says which sequence the stream ends with, as this session has read it. Each later one also names the message before it,
 * by its id. The sequence alone would not do: had a stranger's message taken the place of one of ours, which is then refused, the
 * sequence would fit again for our next one, and a batch would be stored with a hole. The chain of ids breaks there instead, and
 * all that follow are refused.
 *
 * A refusal for want of room is back-pressure rather than failure. All that were sent after it have been refused with it, so they
 * are kept, the first one is tried again, and when it is stored the others follow.
 */
export class ChangePublisher implements MessageSink {
  readonly #options: ChangePublisherOptions;
  readonly #inbox = createInbox(inboxPrefix('capture'));
  readonly #subscription: Subscription;
  readonly #watch: NodeJS.Timeout;
  /** In order of their sequence. */
  readonly #outstanding: Outstanding[] = [];
  #head = 0;
  #nextSequence: number;
  #lastId: string | null = null;
  /** First message of the batch that is being stored. */
  #openSequence: number;
  #unackedBytes = 0;
  #batchBytes = 0;
  /** Answers to an older attempt mean nothing any more. */
  #attempt = 0;
  #full = false;
  #retry: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(options: ChangePublisherOptions) {
    this.#options = options;
    this.#nextSequence = options.lastSequence + 1;
    this.#openSequence = this.#nextSequence;
    this.#subscription = options.nc.subscribe(`${this.#inbox}.*.*`, {
      callback: (error, message) => this.#answered(error, message),
    });
    this.#watch = setInterval(() => this.#checkAge(), WATCH_MS);
  }

  get nextSequence(): number {
    return this.#nextSequence;
  }

  get idle(): boolean {
    return this.#head === this.#outstanding.length;
  }

  get hasRoom(): boolean {
    return (
      this.#unackedBytes < this.#options.windowBytesMax &&
      this.#outstanding.length - this.#head < WINDOW_MESSAGES_MAX
    );
  }

  /** Payload that is published and not known to be stored. */
  get unacknowledgedBytes(): number {
    return this.#unackedBytes;
  }

  get isFull(): boolean {
    return this.#full;
  }

  send(message: OutgoingMessage): void {
    const outstanding = {
      message,
      sequence: this.#nextSequence++,
      previousId: this.#lastId,
      sentAtMs: Date.now(),
    };
    this.#lastId = message.id;
    this.#outstanding.push(outstanding);
    this.#unackedBytes += message.payload.length;
    if (!this.#full) this.#publish(outstanding);
  }

  /** Stops listening; what is in flight may be stored or not, the next session reads which. */
  close(): void {
    this.#closed = true;
    clearInterval(this.#watch);
    clearTimeout(this.#retry);
    if (!this.#subscription.isClosed() && !this.#options.nc.isClosed()) {
      this.#subscription.unsubscribe();
    }
  }

  #publish(outstanding: Outstanding): void {
    if (this.#closed) return;
    const { message, sequence, previousId } = outstanding;
    const messageHeaders = headers();
    for (const [name, value] of message.headers) messageHeaders.append(name, value);
    messageHeaders.append('Nats-Msg-Id', message.id);
    messageHeaders.append('Nats-Expected-Last-Sequence', String(sequence - 1));
    if (previousId !== null) messageHeaders.append('Nats-Expected-Last-Msg-Id', previousId);
    outstanding.sentAtMs = Date.now();
    try {
      this.#options.nc.publish(message.subject, message.payload, {
        headers: messageHeaders,
        reply: `${this.#inbox}.${this.#attempt}.${sequence}`,
      });
    } catch (cause) {
      this.#fail('messaging_unavailable', 'a message could not be handed to NATS', { cause });
    }
  }

  #answered(error: Error | null, message: Msg): void {
    if (this.#closed) return;
    if (error) {
      this.#fail('messaging_unavailable', 'the answers of JetStream are out of reach', {
        cause: error,
      });
      return;
    }
    const [attempt, sequence] = message.subject.slice(this.#inbox.length + 1).split('.');
    if (Number(attempt) !== this.#attempt) return;
    const answer = parseAnswer(message);
    if (answer.tag === 'stored') this.#stored(Number(sequence), answer);
    else this.#refused(Number(sequence), answer);
  }

  #stored(sequence: number, answer: PublishAnswer & { readonly tag: 'stored' }): void {
    const first = this.#outstanding[this.#head];
    // A cluster may answer out of order; the server's own order is what counts, so the answer to a later one covers the earlier.
    if (!first || answer.sequence !== sequence) {
      this.#fail('stream_fenced', 'the stream stored a message elsewhere than was expected');
      return;
    }
    while (this.#head < this.#outstanding.length) {
      const next = this.#outstanding[this.#head];
      // `<=`: the answered message itself is stored as well.
      if (!next || !(next.sequence <= sequence)) break;
      this.#head++;
      this.#release(next);
    }
    this.#compact();
    if (this.#full) this.#resumeAfterFull();
    this.#options.onStored();
  }

  #release({ message, sequence, sentAtMs }: Outstanding): void {
    this.#unackedBytes -= message.payload.length;
    this.#batchBytes += message.payload.length + MESSAGE_OVERHEAD_BYTES;
    if (message.buffer) this.#options.onReleased(message.buffer);
    if (message.lastLsn === null) return;
    this.#openSequence = sequence + 1;
    message.trace?.stored();
    this.#options.onBatchStored({
      ...{ sequence, bytes: this.#batchBytes, lastLsn: message.lastLsn },
      storeSeconds: Math.max(0, Date.now() - sentAtMs) / 1_000,
    });
    this.#batchBytes = 0;
  }

  #refused(sequence: number, answer: PublishAnswer & { readonly tag: 'refused' }): void {
    const first = this.#outstanding[this.#head];
    if (!first || sequence !== first.sequence) return this.#refusedLater(answer);
    if (answer.kind !== 'stream_full') {
      this.#fail(answer.kind, answer.description);
      return;
    }
    this.#full = true;
    this.#attempt++;
    this.#options.onFull(this.#openSequence);
    this.#retry = setTimeout(() => {
      this.#publish(first);
    }, FULL_RETRY_MS);
  }

  /** A message after one that is not answered yet: the answer to that one tells what is the matter. */
  #refusedLater(answer: PublishAnswer & { readonly tag: 'refused' }): void {
    if (answer.kind === 'stream_fenced' || answer.kind === 'stream_full') return;
    this.#fail(answer.kind, answer.description);
  }

  #resumeAfterFull(): void {
    this.#full = false;
    for (let index = this.#head; index < this.#outstanding.length; index++) {
      const next = this.#outstanding[index];
      if (next) this.#publish(next);
    }
  }

  #compact(): void {
    if (this.idle) {
      this.#outstanding.length = 0;
      this.#head = 0;
    } else if (this.#head >= COMPACT_AT) {
      this.#outstanding.splice(0, this.#head);
      this.#head = 0;
    }
  }

  #checkAge(): void {
    const first = this.#outstanding[this.#head];
    if (!first || Date.now() - first.sentAtMs < ANSWER_TIMEOUT_MS) return;
    this.#fail('messaging_unavailable', 'JetStream does not acknowledge the change stream');
  }

  #fail(kind: FailureKind, description: string, options?: { cause: unknown }): void {
    if (this.#closed) return;
    this.close();
    const failure = new MirrorError(kind, description, options);
    for (const { message } of this.#outstanding.slice(this.#head)) message.trace?.failed(failure);
    this.#options.onFailed(failure);
  }
}

const WINDOW_MESSAGES_MAX = 4_096;
const COMPACT_AT = 1_024;
const WATCH_MS = 1_000;
const ANSWER_TIMEOUT_MS = 10_000;
const FULL_RETRY_MS = 100;
/** What a message takes in the stream beside its payload, about: subject, headers and the store's own record. */
const MESSAGE_OVERHEAD_BYTES = 600;
