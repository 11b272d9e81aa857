import type { MirrorSpec } from '@bunnydb/contracts';
import { MirrorError, faultPoint } from '@bunnydb/failure';
import type { Messaging, Stop } from '@bunnydb/messaging';
import type {
  ConnectionSettings,
  ReplicationConnection,
  ReplicationHandler,
  ReplicationStream,
} from '@bunnydb/pg-client';
import { type Lsn, ZERO_LSN, maxLsn } from '@bunnydb/pg-model';
import { BYTES_BOUNDS, SECONDS_BOUNDS, ValueBuckets } from '@bunnydb/service-shell';
import { BatchAssembler, type BatchLimits } from '../core/batch-assembler.js';
import type { RunPace } from '../core/capture-samples.js';
import { LARGE_HEAD_BYTES, PgoutputDecoder } from '../core/pgoutput-decoder.js';
import { mirrorScope } from '../core/mirror-scope.js';
import { type SourceFacts, type StreamFacts, nextEpochMs } from '../core/start-position.js';
import { startBatchTrace } from './batch-trace.js';
import { ChangePublisher } from './change-publisher.js';
import { FileSpool } from './file-spool.js';
import { SlotKeeper } from './slot-keeper.js';
import { StreamKeeper } from './stream-keeper.js';

/** Why a run ended without having failed for good. */
export type RunEnd =
  /** The stream has to be looked at again, for this reason. */
  | { readonly tag: 'revalidate'; readonly reason: MirrorError }
  /** The applier asked to read from the slot again. */
  | { readonly tag: 'rewind' }
  | { readonly tag: 'stopped' };

export interface CaptureRunOptions {
  readonly messaging: Messaging;
  readonly spec: MirrorSpec;
  readonly settings: ConnectionSettings;
  readonly source: SourceFacts;
  readonly stream: StreamFacts;
  readonly startLsn: Lsn;
  readonly confirmedLsn: Lsn;
  readonly limits: BatchLimits;
  /** The source has been streaming for a moment, whether anything came or not. */
  readonly onSteady: () => void;
  readonly onBatchStored: () => void;
}

/**
 * One reading of the slot, from a start that was checked to the first reason to look again. It ties the pieces together and holds the two
 * rules of pace:
 *
 * - A batch closes when nothing is in flight and the source has nothing more at hand, or when it is full. So an idle mirror
 *   waits for nothing, and a busy one writes large batches: while the source certainly has more, a small batch waits for it.
 * - Reading is held up while more than `WINDOW_BYTES_MAX` is not stored, or while a large update is being written; the server
 *   is then slowed down by TCP.
 */
export class CaptureRun implements ReplicationHandler {
  readonly ended: Promise<RunEnd>;
  readonly slot: SlotKeeper;
  readonly assembler: BatchAssembler;
  readonly #options: CaptureRunOptions;
  readonly #publisher: ChangePublisher;
  readonly #decoder: PgoutputDecoder;
  readonly #keeper: StreamKeeper;
  readonly #spool = new FileSpool();
  readonly #timer: NodeJS.Timeout;
  readonly #offReconnect: Stop;
  #stream: ReplicationStream | undefined;
  #held = false;
  /** Nothing is in flight, but a transaction is half read: the batch closes when that ends. */
  #closesAtCommit = false;
  /** Nothing is in flight, but so much comes in that a larger batch is worth a moment. */
  #waitsForMore = false;
  #patience: NodeJS.Timeout | undefined;
  #steady: NodeJS.Timeout | undefined;
  #storedLsn: Lsn;
  #walEnd: Lsn;
  #progressAtMs = 0;
  /** Somebody waits for the destination's position to get here. */
  #wantedLsn: Lsn = ZERO_LSN;
  readonly #batchBytes = new ValueBuckets(BYTES_BOUNDS);
  readonly #storeSeconds = new ValueBuckets(SECONDS_BOUNDS);
  #settle: (end: RunEnd | MirrorError) => void = () => undefined;

  constructor(options: CaptureRunOptions) {
    this.#options = options;
    const { messaging, spec, stream, limits, startLsn } = options;
    this.#storedLsn = startLsn;
    this.#walEnd = startLsn;
    this.ended = new Promise((resolve, reject) => {
      this.#settle = (end) => (end instanceof MirrorError ? reject(end) : resolve(end));
    });
    this.ended.catch(() => undefined);
    const onFailed = (failure: MirrorError): void => this.#settle(failure);
    this.#keeper = new StreamKeeper({
      messaging,
      spec,
      facts: stream,
      confirmedLsn: options.confirmedLsn,
      onStuck: onFailed,
    });
    this.#publisher = this.#openPublisher();
    this.assembler = new BatchAssembler({
      mirrorName: spec.name,
      epoch: String(nextEpochMs(Date.now(), stream)),
      prevLsn: startLsn,
      sink: this.#publisher,
      limits,
      startTrace: (batch, startedAtMs) => startBatchTrace(spec.name, batch, startedAtMs),
      nowMs: Date.now,
    });
    this.#decoder = new PgoutputDecoder({
      assembler: this.assembler,
      scope: mirrorScope(spec),
      mirrorId: spec.id,
      spool: this.#spool,
      messageBytesMax: limits.messageBytesMax,
    });
    this.slot = this.#openSlotKeeper(onFailed);
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
    // After a reconnect acknowledgements may be missing and the stream may have lost its tail.
    this.#offReconnect = messaging.onReconnect(() => this.#lookAgain(reconnected()));
  }

  /** End of the last transaction that is in the stream. */
  get storedLsn(): Lsn {
    return this.#storedLsn;
  }

  /** How the run stands, for metrics. */
  get pace(): RunPace {
    return {
      unacknowledgedBytes: this.#publisher.unacknowledgedBytes,
      isHeld: this.#held,
      isStreamFull: this.#publisher.isFull,
      batchBytes: this.#batchBytes.distribution,
      storeSeconds: this.#storeSeconds.distribution,
    };
  }

  /** Whether somebody else has to move: false when reading is held up, or a batch is open, although everything is stored. */
  get isWaiting(): boolean {
    if (!this.#publisher.idle) return true;
    return !this.#held && (this.assembler.isEmpty || !this.#decoder.atBoundary);
  }

  start(connection: ReplicationConnection): void {
    const { spec, startLsn } = this.#options;
    this.#stream = connection.start({
      slotName: spec.slot_name,
      publicationNames: [spec.publication_name],
      startLsn,
      handler: this,
      onStarted: () => {
        this.#steady = setTimeout(this.#options.onSteady, STEADY_MS);
      },
    });
    this.#stream.ended.then(
      () => this.#settle({ tag: 'stopped' }),
      (error: MirrorError) => this.#settle(error),
    );
    this.slot.attach(this.#stream);
  }

  /** Tells how far the source is as soon as that is `lsn` or more. */
  wantProgress(lsn: Lsn): void {
    this.#wantedLsn = maxLsn(this.#wantedLsn, lsn);
    if (!this.#tellWanted()) this.slot.ask();
  }

  /** Asks for an end, for the reason given. */
  end(reason: RunEnd): void {
    this.#settle(reason);
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    clearTimeout(this.#patience);
    clearTimeout(this.#steady);
    this.#offReconnect();
    this.slot.close();
    this.#publisher.close();
    await this.#stream?.stop();
    this.#spool.clear();
  }

  message(bytes: Buffer, start: number, end: number): void {
    if (this.#decoder.message(bytes, start, end)) this.#committed();
    if (!this.#publisher.hasRoom) this.#hold();
  }

  largeStart(bytes: Buffer, start: number): number {
    this.#decoder.largeStart(bytes, start);
    return start + LARGE_HEAD_BYTES;
  }

  largePiece(bytes: Buffer, start: number, end: number): void {
    this.#decoder.largePiece(bytes, start, end);
    if (!this.#publisher.hasRoom) this.#hold();
  }

  largeEnd(): void {
    this.#decoder.largeEnd();
    if (this.#decoder.isWriting) this.#goOn();
  }

  keepalive(walEnd: Lsn, replyRequested: boolean): void {
    this.#walEnd = maxLsn(this.#walEnd, walEnd);
    this.slot.keepalive(walEnd, replyRequested);
    this.#tellWanted();
  }

  drained(moreIsComing: boolean): void {
    faultPoint('capture.after_receive');
    this.slot.heard();
    this.#waitsForMore = moreIsComing && !this.assembler.isWorthClosing;
    if (this.#waitsForMore) {
      // In case the source has nothing more after all.
      this.#patience ??= setTimeout(() => this.#stopWaiting(), PATIENCE_MS);
      return;
    }
    if (this.#decoder.atBoundary) this.#closeIfIdle();
    else this.#closesAtCommit = this.#publisher.idle;
  }

  #stopWaiting(): void {
    this.#patience = undefined;
    this.#waitsForMore = false;
    this.#stored();
  }

  #lookAgain(reason: MirrorError): void {
    this.#settle({ tag: 'revalidate', reason });
  }

  #committed(): void {
    this.slot.progress.seeReceived(this.#decoder.seenLsn);
    if (this.assembler.isFull || (this.#closesAtCommit && this.#publisher.idle)) this.#close();
  }

  #closeIfIdle(): void {
    if (this.#publisher.idle && !this.#waitsForMore) this.#close();
  }

  #close(): void {
    this.#closesAtCommit = false;
    this.assembler.close();
    faultPoint('capture.after_publish');
  }

  #hold(): void {
    this.#held = true;
    this.#stream?.pause();
    this.slot.held(true);
  }

  /** Writes what is left of a large update as far as there is room, then lets reading go on. */
  #goOn(): void {
    while (this.#decoder.isWriting && this.#publisher.hasRoom) this.#decoder.step();
    if (this.#decoder.isWriting || !this.#publisher.hasRoom) {
      this.#hold();
      return;
    }
    if (!this.#held) return;
    this.#held = false;
    this.slot.held(false);
    this.#stream?.resume();
  }

  #stored(): void {
    try {
      if (this.#held) this.#goOn();
      else if (this.#decoder.atBoundary) this.#closeIfIdle();
    } catch (error) {
      this.#settle(asMirrorError(error));
    }
  }

  #tick(): void {
    this.#keeper.tidy();
    if (Date.now() - this.#progressAtMs >= PROGRESS_MS) this.#tellProgress();
    else this.#tellWanted();
  }

  /** False when the source is not known to have come so far. While a batch is under way, that one tells, or the next tick. */
  #tellWanted(): boolean {
    if (this.#wantedLsn <= this.assembler.sentLsn) return true;
    if (this.#wantedLsn > this.#seenLsn) return false;
    this.#tellProgress();
    return true;
  }

  /** Lets the destination, and with it the slot, follow a source whose changes do not concern the mirror. */
  #tellProgress(): void {
    if (!this.#publisher.idle || !this.assembler.isEmpty || !this.#decoder.atBoundary) return;
    const seen = this.#seenLsn;
    if (this.#held || seen <= this.assembler.sentLsn) return;
    this.#progressAtMs = Date.now();
    this.assembler.progress(seen);
  }

  get #seenLsn(): Lsn {
    return maxLsn(this.#walEnd, this.#decoder.seenLsn);
  }

  #openPublisher(): ChangePublisher {
    const { messaging, stream, onBatchStored } = this.#options;
    return new ChangePublisher({
      nc: messaging.nc,
      lastSequence: stream.lastSequence,
      windowBytesMax: WINDOW_BYTES_MAX,
      onStored: () => {
        faultPoint('capture.after_ack');
        this.#stored();
      },
      onBatchStored: ({ sequence, bytes, lastLsn, storeSeconds }) => {
        this.#storedLsn = lastLsn;
        this.#keeper.batchStored(sequence, bytes);
        this.#batchBytes.add(bytes);
        this.#storeSeconds.add(storeSeconds);
        onBatchStored();
      },
      onFull: (openSequence) => this.#keeper.makeRoom(openSequence),
      onReleased: (buffer) => this.assembler.pool.give(buffer),
      onFailed: (failure) =>
        REVALIDATED.has(failure.kind) ? this.#lookAgain(failure) : this.#settle(failure),
    });
  }

  #openSlotKeeper(onFailed: (failure: MirrorError) => void): SlotKeeper {
    const { messaging, spec, settings, source, startLsn, confirmedLsn } = this.#options;
    return new SlotKeeper({
      messaging,
      mirrorId: spec.id,
      settings,
      slotName: spec.slot_name,
      startLsn,
      confirmedLsn,
      walSenderTimeoutMs: source.walSenderTimeoutMs,
      heartbeatIntervalMs: spec.options.heartbeat_interval_seconds * 1_000,
      onFlushed: (sequence) => this.#keeper.flushed(sequence),
      onServerWaits: () => this.#tellProgress(),
      onFailed,
      onUnheard: (reason) => this.#lookAgain(reason),
    });
  }
}

function reconnected(): MirrorError {
  return new MirrorError('messaging_unavailable', 'the connection to NATS was lost for a moment');
}

function asMirrorError(error: unknown): MirrorError {
  if (error instanceof MirrorError) return error;
  return new MirrorError('unexpected', 'capture met an error of its own', { cause: error });
}

/** What a second look at the stream may put right. */
const REVALIDATED: ReadonlySet<string> = new Set([
  'stream_fenced',
  'stream_lost',
  'messaging_unavailable',
]);

const WINDOW_BYTES_MAX = 8 * 1024 * 1024;
const TICK_MS = 1_000;
const PROGRESS_MS = 10_000;
const PATIENCE_MS = 4;
const STEADY_MS = 3_000;
