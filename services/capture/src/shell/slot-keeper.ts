import { type DestinationPosition, positionSubject } from '@bunnydb/contracts';
import { MirrorError, faultPoint } from '@bunnydb/failure';
import type { Messaging, Stop } from '@bunnydb/messaging';
import type { ConnectionSettings, ReplicationStream } from '@bunnydb/pg-client';
import { type Lsn, ZERO_LSN, parseLsn } from '@bunnydb/pg-model';
import { Heartbeat } from '../core/heartbeat.js';
import { SlotProgress } from '../core/slot-progress.js';
import { isReaderAtWork, writeHeartbeat } from './source-heartbeat.js';
import { type SourceProbe, probeSource } from './source-probe.js';

export interface SlotKeeperOptions {
  readonly messaging: Messaging;
  readonly mirrorId: string;
  readonly settings: ConnectionSettings;
  readonly slotName: string;
  readonly startLsn: Lsn;
  readonly confirmedLsn: Lsn;
  readonly walSenderTimeoutMs: number;
  /** How long the source may be silent before a heartbeat is written; 0: none. */
  readonly heartbeatIntervalMs: number;
  /** The stream sequence of the commit message that the destination has durably. */
  readonly onFlushed: (sequence: number) => void;
  /** The server waits for us: tell the destination how far the source is, if nothing else is under way. */
  readonly onServerWaits: () => void;
  readonly onFailed: (failure: MirrorError) => void;
  /** A heartbeat did not come back: the connection has to be made anew. */
  readonly onUnheard: (reason: MirrorError) => void;
}

/**
 * Talks with the source about the slot: tells it how far the destination is, keeps the connection alive while nothing moves, and lets
 * go of it when the server stops.
 *
 * A server that stops waits until its walsenders' clients confirm everything. If the destination does not follow, that would be for ever;
 * so when the server asks again and again, or when reading is held up and its questions cannot be heard, a short
 * connection finds out whether it is stopping, and then the session ends.
 *
 * When the source is silent for long, a heartbeat shows whether it has nothing to say or is no longer heard (`core/heartbeat.ts`).
 */
export class SlotKeeper {
  readonly progress: SlotProgress;
  readonly #options: SlotKeeperOptions;
  readonly #quietMs: number;
  readonly #timer: NodeJS.Timeout;
  readonly #unsubscribe: Stop;
  #stream: ReplicationStream | undefined;
  /** Since when the server has been asking for more than the destination has. */
  #askingSinceMs: number | undefined;
  #heldSinceMs: number | undefined;
  #probedAtMs: number;
  #probing = false;
  #probe: SourceProbe = NOT_PROBED;
  readonly #heartbeat: Heartbeat;
  #wasHeard = false;
  #refusalIsTold = false;
  #closed = false;

  constructor(options: SlotKeeperOptions) {
    this.#options = options;
    this.progress = new SlotProgress(options.startLsn, options.confirmedLsn);
    // Half of the timeout is when the server starts to ask; 0 means that it never gives up.
    const timeout = options.walSenderTimeoutMs || QUIET_MS * 4;
    this.#quietMs = Math.min(QUIET_MS, timeout / 4);
    this.#probedAtMs = Date.now();
    this.#heartbeat = new Heartbeat(options.heartbeatIntervalMs, Date.now());
    this.#timer = setInterval(() => this.#tick(), Math.min(TICK_MS, this.#quietMs));
    this.#unsubscribe = options.messaging.subscribeJson<DestinationPosition>(
      positionSubject(options.mirrorId),
      (position) => this.#seePosition(position),
    );
  }

  /** What the last probe of the server told: its position, the WAL that it keeps for the slot, and how much more it would. */
  get probed(): SourceProbe {
    return this.#probe;
  }

  attach(stream: ReplicationStream): void {
    this.#stream = stream;
    this.#send();
  }

  keepalive(walEnd: Lsn, replyRequested: boolean): void {
    this.progress.seeReceived(walEnd);
    if (!replyRequested) return;
    if (this.progress.confirmed >= walEnd) {
      this.#askingSinceMs = undefined;
      this.#send();
      return;
    }
    if (this.#askingSinceMs !== undefined) return;
    // Later questions are answered by the timer: a stopping server asks again as soon as it is answered.
    this.#askingSinceMs = Date.now();
    this.#send();
    this.#options.onServerWaits();
  }

  /** Asks the server how far it has come; its answer is a keepalive. */
  ask(): void {
    this.#stream?.sendStatus({ ...this.progress.send(Date.now()), isQuestion: true });
  }

  /** Something came from the source. Called for every read, so it only leaves a note. */
  heard(): void {
    this.#wasHeard = true;
  }

  /** Reading is held up (or goes on): while it is, keepalives are not heard. */
  held(isHeld: boolean): void {
    if (!isHeld) this.#heldSinceMs = undefined;
    else this.#heldSinceMs ??= Date.now();
  }

  close(): void {
    this.#closed = true;
    clearInterval(this.#timer);
    this.#unsubscribe();
  }

  #seePosition(position: DestinationPosition): void {
    this.progress.seeDestination(parseLsn(position.flushed_lsn));
    this.#options.onFlushed(position.flushed_stream_seq);
    if (this.#askingSinceMs !== undefined) this.#send();
  }

  #tick(): void {
    const now = Date.now();
    this.#listen(now);
    if (this.#askingSinceMs !== undefined || this.progress.isDue(now, this.#quietMs)) this.#send();
    if (this.#probing) return;
    const asking = this.#askingSinceMs !== undefined && now - this.#askingSinceMs > PATIENCE_MS;
    const held = this.#heldSinceMs !== undefined && now - this.#heldSinceMs > PATIENCE_MS;
    const interval = asking || held ? PATIENCE_MS : PROBE_QUIET_MS;
    if (now - this.#probedAtMs >= interval) void this.#ask(now);
  }

  #listen(now: number): void {
    // While reading is held up, nothing can be heard.
    if (this.#wasHeard || this.#heldSinceMs !== undefined) this.#heartbeat.heard(now);
    this.#wasHeard = false;
    const step = this.#heartbeat.step(now);
    if (step === 'beat') void this.#beat();
    if (step === 'look') void this.#lookForReader();
  }

  async #beat(): Promise<void> {
    const answer = await writeHeartbeat(this.#options.settings);
    if (answer.tag !== 'refused') {
      this.#heartbeat.expectAnswer(Date.now());
      return;
    }
    this.#heartbeat.heard(Date.now());
    if (this.#refusalIsTold || this.#closed) return;
    this.#refusalIsTold = true;
    this.#options.messaging.log.info(
      { mirror: this.#options.mirrorId, reason: answer.reason },
      'the source takes no heartbeat',
    );
  }

  async #lookForReader(): Promise<void> {
    const { settings, slotName } = this.#options;
    const isAtWork = await isReaderAtWork(settings, slotName);
    if (this.#closed || this.#wasHeard) this.#heartbeat.heard(Date.now());
    else if (isAtWork) this.#heartbeat.waitLonger(Date.now());
    else {
      const words = 'the source was silent and a heartbeat did not come back';
      this.#options.onUnheard(new MirrorError('source_unreachable', words));
    }
  }

  async #ask(now: number): Promise<void> {
    this.#probing = true;
    const answer = await probeSource(this.#options.settings, this.#options.slotName);
    this.#probing = false;
    this.#probedAtMs = now;
    if (this.#closed) return;
    if (answer.tag === 'running') {
      this.#probe = answer;
      // It asked, but not because it stops: it was only checking that we are alive.
      this.#askingSinceMs = undefined;
      return;
    }
    if (answer.tag === 'stopping') {
      const words = 'the source is stopping and does not wait for the destination';
      this.#options.onFailed(new MirrorError('server_shutting_down', words));
    }
  }

  #send(): void {
    if (!this.#stream) return;
    faultPoint('capture.before_confirm');
    this.#stream.sendStatus(this.progress.send(Date.now()));
  }
}

const NOT_PROBED: SourceProbe = {
  tag: 'running',
  currentLsn: ZERO_LSN,
  retainedBytes: 0,
  roomBytes: null,
};
const TICK_MS = 500;
const QUIET_MS = 10_000;
const PATIENCE_MS = 2_000;
const PROBE_QUIET_MS = 30_000;
