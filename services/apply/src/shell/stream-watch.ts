import type { MirrorSpec } from '@bunnydb/contracts';
import type { Messaging } from '@bunnydb/messaging';
import type { PipelinedSession } from '@bunnydb/pg-client';
import {
  BYTES_BOUNDS,
  COUNT_BOUNDS,
  type LivenessDoor,
  type MetricDoor,
  type Pulse,
  SECONDS_BOUNDS,
  ValueBuckets,
} from '@bunnydb/service-shell';
import { type ApplyPace, paceSamples } from '../core/apply-samples.js';
import type { ApplyLoop, CommittedWork, RefusedWork } from './apply-loop.js';
import type { BatchQueue } from './batch-queue.js';

export interface StreamWatchOptions {
  readonly spec: MirrorSpec;
  readonly messaging: Messaging;
  readonly metrics: MetricDoor | undefined;
  readonly liveness: LivenessDoor | undefined;
  readonly session: PipelinedSession;
  readonly queue: BatchQueue;
}

/** Lets people see how a streaming session gets on: sizes and times of its transactions, refusals, and whether its loop turns. */
export class StreamWatch {
  readonly #options: StreamWatchOptions;
  readonly #changes = new ValueBuckets(COUNT_BOUNDS);
  readonly #bytes = new ValueBuckets(BYTES_BOUNDS);
  readonly #seconds = new ValueBuckets(SECONDS_BOUNDS);
  #refused = 0;
  #toldRefusalAtMs = Number.NEGATIVE_INFINITY;
  #pulse: Pulse | undefined;
  #endMetrics: (() => void) | undefined;

  constructor(options: StreamWatchOptions) {
    this.#options = options;
  }

  open(loop: ApplyLoop): void {
    const { spec, metrics, liveness, session } = this.#options;
    this.#endMetrics = metrics?.add(() => paceSamples(spec.name, this.#pace));
    this.#pulse = liveness?.watch(`apply of ${spec.id}`, {
      silenceMaxMs: STUCK_MS,
      // While the destination owes an answer or others work, silence is theirs.
      isWaiting: () => session.isOwedAnswer || loop.isAway,
    });
  }

  close(): void {
    this.#pulse?.end();
    this.#endMetrics?.();
  }

  turned(): void {
    this.#pulse?.beat();
  }

  committed({ batches, seconds }: CommittedWork): void {
    let changes = 0;
    let bytes = 0;
    for (const batch of batches) {
      changes += batch.commit.head.changes;
      bytes += batch.bytes;
    }
    this.#changes.add(changes);
    this.#bytes.add(bytes);
    this.#seconds.add(seconds);
  }

  /** Most refusals are made good by another way of writing, so this is no error yet; and it may happen to every batch. */
  refused({ batches, mode, failure, trace }: RefusedWork): void {
    this.#refused += 1;
    const nowMs = performance.now();
    if (nowMs - this.#toldRefusalAtMs < TELL_EVERY_MS) return;
    this.#toldRefusalAtMs = nowMs;
    const { messaging, spec } = this.#options;
    messaging.log.info(
      {
        mirror: spec.id,
        kind: failure.kind,
        mode,
        batch: batches[0]?.commit.head.batch,
        refused: this.#refused,
        ...(trace === undefined ? {} : { trace }),
      },
      'the destination refused a transaction',
    );
  }

  get #pace(): ApplyPace {
    return {
      queueBytes: this.#options.queue.bytes,
      refusedTransactions: this.#refused,
      transactionChanges: this.#changes.distribution,
      transactionBytes: this.#bytes.distribution,
      transactionSeconds: this.#seconds.distribution,
    };
  }
}

/** The loop turns every second. */
const STUCK_MS = 60_000;
const TELL_EVERY_MS = 10_000;
