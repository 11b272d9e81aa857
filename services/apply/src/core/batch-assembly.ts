import type { QualifiedName } from '@bunnydb/pg-model';
import type { ChangeMessage, CommitMessage, MarkMessage, TableMessage } from './change-message.js';
import { type MessageSpan, MessageSpans } from './message-spans.js';

/** What a batch tells before its rows are looked at. */
interface BatchContents {
  /** The tables that it has rows of. */
  readonly tables: readonly QualifiedName[];
  /** Changes of the source's structure, in their order. */
  readonly marks: readonly MarkMessage[];
  /** When its last message arrived; for traces. */
  readonly arrivedAtMs?: number;
}

/** A whole batch: its rows are in memory, or too large for it and still in the stream. */
export type Batch = BatchContents &
  (
    | {
        readonly kind: 'held';
        readonly commit: CommitMessage;
        readonly messages: readonly TableMessage[];
        readonly bytes: number;
      }
    | {
        readonly kind: 'large';
        readonly commit: CommitMessage;
        readonly bytes: number;
        /** By table: where its messages stand, if they overlap and have to be read in another order than the stream's. */
        readonly overlapping: ReadonlyMap<string, readonly MessageSpan[]>;
      }
  );

export type LargeBatch = Extract<Batch, { readonly kind: 'large' }>;

/**
 * Puts batches together from messages in stream order.
 *
 * A batch is complete with its commit message, and only then handed out. What another batch's message cuts off was left by a reader
 * that died, and is dropped; so is a batch whose beginning was not read. A batch that outgrows `heldBytesMax` is not kept:
 * its rows are read from the stream again once it is known to be complete.
 */
export class BatchAssembly {
  readonly #heldBytesMax: number;
  #batch = '';
  #messages: TableMessage[] = [];
  #marks: MarkMessage[] = [];
  #count = 0;
  #bytes = 0;
  #firstSeq = 0;
  #spans = new MessageSpans();

  constructor(heldBytesMax: number) {
    this.#heldBytesMax = heldBytesMax;
  }

  /** Bytes of the batch that is being put together, as far as they are kept. */
  get heldBytes(): number {
    return this.#messages.length > 0 ? this.#bytes : 0;
  }

  /** Takes the next message; returns the batch that it completes. */
  add(message: ChangeMessage): Batch | undefined {
    if (message.head.batch !== this.#batch) this.#start(message);
    if (message.kind === 'mark') {
      this.#count += 1;
      this.#marks.push(message);
      return undefined;
    }
    if (message.kind === 'table') {
      this.#hold(message);
      return undefined;
    }
    const batch = this.#finish(message);
    this.#start(undefined);
    return batch;
  }

  #start(message: ChangeMessage | undefined): void {
    this.#batch = message?.head.batch ?? '';
    this.#messages = [];
    this.#marks = [];
    this.#count = 0;
    this.#bytes = 0;
    this.#firstSeq = message?.streamSeq ?? 0;
    this.#spans = new MessageSpans();
  }

  #hold(message: TableMessage): void {
    this.#count += 1;
    this.#bytes += message.payload.length;
    this.#spans.add(message);
    if (this.#bytes <= this.#heldBytesMax) this.#messages.push(message);
    else this.#messages = [];
  }

  #finish(commit: CommitMessage): Batch | undefined {
    const isWhole =
      commit.head.messages === this.#count &&
      (this.#count === 0 || commit.head.firstSeq === this.#firstSeq);
    if (!isWhole) return undefined;
    const batch = {
      commit,
      bytes: this.#bytes,
      tables: this.#spans.tables,
      marks: this.#marks,
    };
    return this.#bytes > this.#heldBytesMax
      ? { ...batch, kind: 'large', overlapping: this.#spans.overlapping }
      : { ...batch, kind: 'held', messages: this.#messages };
  }
}
