import { type MirrorSpec, changeStreamName } from '@bunnydb/contracts';
import type { Lsn } from '@bunnydb/pg-model';
import { MirrorError } from '@bunnydb/failure';
import { type Log, type Messaging, toMessagingError } from '@bunnydb/messaging';
import type { StreamFacts } from '../core/start-position.js';
import { StreamRetention } from '../core/stream-retention.js';

export interface StreamKeeperOptions {
  readonly messaging: Messaging;
  readonly spec: MirrorSpec;
  readonly facts: StreamFacts;
  /** Where the slot stands: the destination has all before it. */
  readonly confirmedLsn: Lsn;
  /** The transaction under way is larger than the server lets the stream become. */
  readonly onStuck: (failure: MirrorError) => void;
}

/**
 * Keeps the change stream within its size: forgets what the destination has durably, and when one transaction alone is larger than
 * the limit, raises it for as long as it takes. One request at a time; a purge that fails is tried again with the next position.
 */
export class StreamKeeper {
  readonly #messaging: Messaging;
  readonly #spec: MirrorSpec;
  readonly #name: string;
  readonly #log: Log;
  readonly #retention: StreamRetention;
  #lastCommitSequence: number;
  #flushedSequence: number;
  readonly #onStuck: (failure: MirrorError) => void;
  #isRaised: boolean;
  #working = false;

  constructor({ messaging, spec, facts, confirmedLsn, onStuck }: StreamKeeperOptions) {
    this.#onStuck = onStuck;
    // An earlier session may have raised the limit and died.
    this.#isRaised = facts.bytes > spec.options.stream_max_bytes;
    this.#messaging = messaging;
    this.#spec = spec;
    this.#name = changeStreamName(spec.id);
    this.#log = messaging.log;
    const sequence = facts.lastCommit?.sequence ?? 0;
    this.#lastCommitSequence = sequence;
    const isFlushed = facts.lastCommit !== undefined && facts.lastCommit.lastLsn <= confirmedLsn;
    this.#flushedSequence = isFlushed ? sequence : 0;
    this.#retention = new StreamRetention(spec.options.stream_tail_bytes, sequence, facts.bytes);
  }

  batchStored(sequence: number, bytes: number): void {
    this.#lastCommitSequence = sequence;
    this.#retention.stored(sequence, bytes);
  }

  /** The destination has durably applied up to this commit message. */
  flushed(sequence: number): void {
    this.#flushedSequence = Math.max(this.#flushedSequence, sequence);
  }

  /** Called about once a second. */
  tidy(): void {
    const first = this.#retention.firstToKeep(this.#flushedSequence);
    if (first !== undefined) this.#work(() => this.#purge(first));
    // Lowered as soon as the large transaction has been applied.
    else if (this.#isRaised) this.#work(() => this.#lowerLimit());
  }

  /**
   * The stream is full. What is applied already goes, whatever tail was asked for. If all whole batches are applied and it is still full,
   * the transaction under way is larger than the limit.
   *
   * @param openSequence the first message of the batch under way.
   */
  makeRoom(openSequence: number): void {
    this.#work(async () => {
      const first = this.#retention.firstToKeep(this.#flushedSequence, 0);
      if (first !== undefined && first > 1) {
        await this.#purge(first);
        return;
      }
      if (this.#flushedSequence < this.#lastCommitSequence) return;
      // Before the batch under way lie, at most, messages of a reader that died, which nobody will apply.
      const purged = await this.#messaging.jsm.streams.purge(this.#name, { seq: openSequence });
      if (purged.purged === 0) await this.#raiseLimit();
    });
  }

  async #purge(first: number): Promise<void> {
    await this.#messaging.jsm.streams.purge(this.#name, { seq: first });
    this.#retention.purged(first);
  }

  async #raiseLimit(): Promise<void> {
    const { config, state } = await this.#messaging.jsm.streams.info(this.#name);
    const limit = Math.max(config.max_bytes, state.bytes) + RAISE_BYTES;
    try {
      await this.#messaging.jsm.streams.update(this.#name, { max_bytes: limit });
    } catch (cause) {
      const detail = { stream: this.#name, limit_bytes: limit };
      const words = 'a transaction is larger than nats-server lets the change stream become';
      this.#onStuck(new MirrorError('stream_full', words, { detail, cause }));
      return;
    }
    this.#isRaised = true;
    this.#log.warn(
      { mirror: this.#spec.id, stream: this.#name, limit_bytes: limit },
      'a transaction is larger than the change stream; its limit is raised for it',
    );
  }

  async #lowerLimit(): Promise<void> {
    const limit = this.#spec.options.stream_max_bytes;
    if (this.#flushedSequence < this.#lastCommitSequence) return;
    const { state } = await this.#messaging.jsm.streams.info(this.#name);
    if (state.bytes > limit) return;
    await this.#messaging.jsm.streams.update(this.#name, { max_bytes: limit });
    this.#isRaised = false;
  }

  #work(task: () => Promise<void>): void {
    if (this.#working) return;
    this.#working = true;
    task()
      .catch((error: unknown) => {
        // The stream stays as it is and the next call tries again; a stream that is lost shows at the next publish.
        const { kind } = toMessagingError(error);
        this.#log.warn(
          { mirror: this.#spec.id, stream: this.#name, kind },
          'the change stream could not be trimmed',
        );
      })
      .finally(() => {
        this.#working = false;
      });
  }
}

const RAISE_BYTES = 64 * 1024 * 1024;
