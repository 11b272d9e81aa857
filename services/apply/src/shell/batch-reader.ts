import { Query, type RewindReply, changeStreamName } from '@bunnydb/contracts';
import { MirrorError, faultPoint } from '@bunnydb/failure';
import type { Messaging } from '@bunnydb/messaging';
import { type Lsn, formatLsn, parseLsn } from '@bunnydb/pg-model';
import { type Batch, BatchAssembly } from '../core/batch-assembly.js';
import { isOurs, readMessage } from '../core/change-message.js';
import { checkJoin, isHintValid } from '../core/join-check.js';
import type { BatchQueue } from './batch-queue.js';
import { ChangeReader } from './change-reader.js';
import { StoredMessages } from './stored-messages.js';

export interface BatchReaderOptions {
  readonly messaging: Messaging;
  readonly mirrorId: string;
  readonly position: { readonly lsn: Lsn; readonly streamSeq: number };
  readonly queue: BatchQueue;
  readonly heldBytesMax: number;
  readonly signal: AbortSignal;
}

/**
 * Reads the mirror's change stream into the queue, whole batch by whole batch, from the position on.
 *
 * Where to start: behind the message that the position row names, if that message is still the one it was; else at the stream's
 * first message, skipping what is applied. Every batch has to join the one before. A gap has two remedies, tried in turn:
 *
 * 1. Read the stream again from its first message: the hint may have been wrong, or the stream rebuilt.
 * 2. Ask capture to start again from the slot. Its batches come with a newer epoch; those of the old one are skipped until then.
 *    If the slot itself is past the position, changes are lost for good, and the mirror stops with `position_gap`.
 *
 * A worked run: position 0/500. The stream's first batch leads from 0/700 to 0/900: a gap. Capture, asked with 0/500, goes back to
 * its slot at 0/480 and publishes 0/480 → 0/620 and so on; the first of these joins, since it starts before 0/500, and of
 * it only the transactions behind 0/500 are applied.
 */
export class BatchReader {
  readonly #options: BatchReaderOptions;
  readonly #stream: string;
  #reader: ChangeReader | undefined;
  #assembly: BatchAssembly;
  /** Where the queue's last batch leads to. */
  #position: Lsn;
  #isFromFirst = false;
  /** The epoch that was current when capture was asked to rewind; its batches do not count as an answer. */
  #staleEpoch: bigint | undefined;
  #rewinds = 0;

  constructor(options: BatchReaderOptions) {
    this.#options = options;
    this.#stream = changeStreamName(options.mirrorId);
    this.#position = options.position.lsn;
    this.#assembly = new BatchAssembly(options.heldBytesMax);
  }

  /** Whether nothing more is known to wait in the stream. */
  get isDrained(): boolean {
    return this.#reader?.isDrained === true && this.#assembly.heldBytes === 0;
  }

  /** Reads until the signal aborts. @throws MirrorError when the stream cannot be read or does not join. */
  async run(): Promise<void> {
    try {
      await this.#open(await this.#startSeq());
      for (;;) {
        const raw = await this.#reader?.next();
        if (!raw) return;
        if (!isOurs(raw)) {
          this.#options.messaging.log.warn(
            { mirror: this.#options.mirrorId, stream_seq: raw.streamSeq },
            'a message that capture did not write is passed over',
          );
          continue;
        }
        const batch = this.#assembly.add(readMessage(raw));
        if (batch) await this.#handleBatch(batch);
      }
    } finally {
      await this.#reader?.close();
    }
  }

  async #handleBatch(batch: Batch): Promise<void> {
    const { head } = batch.commit;
    switch (checkJoin(this.#position, head)) {
      case 'applied':
        return;
      case 'gap':
        return this.#handleGap(batch);
      case 'joins':
        faultPoint('apply.after_receive');
        this.#position = head.lastLsn;
        this.#staleEpoch = undefined;
        await this.#options.queue.push({ ...batch, arrivedAtMs: Date.now() });
    }
  }

  async #handleGap(batch: Batch): Promise<void> {
    if (!this.#isFromFirst) {
      await this.#open(FIRST_SEQ);
      return;
    }
    const epoch = BigInt(batch.commit.head.epoch);
    if (this.#staleEpoch !== undefined && epoch <= this.#staleEpoch) return;
    if (this.#rewinds >= REWINDS_MAX) {
      throw new MirrorError('stream_lost', 'the change stream does not join the position', {
        detail: {
          position: formatLsn(this.#position),
          starts_at: formatLsn(batch.commit.head.prevLsn),
        },
      });
    }
    this.#rewinds += 1;
    this.#staleEpoch = epoch;
    await this.#requestRewind();
  }

  async #requestRewind(): Promise<void> {
    const { messaging, mirrorId, signal } = this.#options;
    const position = formatLsn(this.#position);
    messaging.log.warn(
      { mirror: mirrorId, position },
      'the stream has a gap, asking capture to go back',
    );
    const reply = await messaging.request<RewindReply>(
      `${Query.CaptureRewind}.${mirrorId}`,
      { position_lsn: position },
      { timeoutMs: REWIND_TIMEOUT_MS, signal },
    );
    if (!reply.ok) {
      throw new MirrorError(reply.failure.kind, reply.failure.message, {
        detail: reply.failure.detail,
      });
    }
    if (parseLsn(reply.restarted_from_lsn) > this.#position) {
      throw new MirrorError('position_gap', 'the slot is past what the destination has', {
        detail: { position, slot: reply.restarted_from_lsn },
      });
    }
  }

  async #open(startSeq: number): Promise<void> {
    const { messaging, signal } = this.#options;
    await this.#reader?.close();
    this.#isFromFirst = startSeq === FIRST_SEQ;
    this.#assembly = new BatchAssembly(this.#options.heldBytesMax);
    this.#reader = await ChangeReader.open({ messaging, stream: this.#stream, startSeq, signal });
  }

  async #startSeq(): Promise<number> {
    const { lsn, streamSeq } = this.#options.position;
    if (streamSeq <= 0) return FIRST_SEQ;
    const { messaging, mirrorId } = this.#options;
    // Purged, or the stream is another one: then the hint is void, and opening the reader tells if more is wrong.
    const message = await new StoredMessages(messaging, mirrorId).find(streamSeq);
    const isValid = message?.kind === 'commit' && isHintValid(lsn, message.head);
    return isValid ? streamSeq + 1 : FIRST_SEQ;
  }
}

const FIRST_SEQ = 1;
const REWINDS_MAX = 3;
const REWIND_TIMEOUT_MS = 30_000;
