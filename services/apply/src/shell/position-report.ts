import { type DestinationPosition, Query, positionSubject } from '@bunnydb/contracts';
import { faultPoint } from '@bunnydb/failure';
import type { Messaging } from '@bunnydb/messaging';
import { formatLsn } from '@bunnydb/pg-model';
import type { PositionTrack } from '../core/position-track.js';

/** Tells on `bunny.position.<mirror id>` what the destination has, and answers `bunny.apply.position.<mirror id>`. */
export class PositionReport {
  readonly #messaging: Messaging;
  readonly #mirrorId: string;
  readonly #track: PositionTrack;
  readonly #timer: NodeJS.Timeout;
  readonly #endAnswers: () => void;
  #told = '';
  #toldAtMs = Number.NEGATIVE_INFINITY;

  constructor(messaging: Messaging, mirrorId: string, track: PositionTrack) {
    this.#messaging = messaging;
    this.#mirrorId = mirrorId;
    this.#track = track;
    this.#endAnswers = messaging.respondJson(`${Query.ApplyPosition}.${mirrorId}`, () => ({
      ok: true,
      ...this.#position(),
    }));
    this.#timer = setInterval(() => this.moved(), INTERVAL_MS);
    this.moved();
  }

  /** The position may have moved: tells it, but not more often than every 100 ms; every 5 s it is told anyway. */
  moved(): void {
    const position = this.#position();
    const key = `${position.applied_lsn} ${position.flushed_lsn}`;
    const sinceMs = performance.now() - this.#toldAtMs;
    if (sinceMs < INTERVAL_MS || (key === this.#told && sinceMs < REPEAT_MS)) return;
    faultPoint('apply.before_report');
    this.#messaging.publishJson(positionSubject(this.#mirrorId), position);
    this.#told = key;
    this.#toldAtMs = performance.now();
  }

  close(): void {
    clearInterval(this.#timer);
    this.#endAnswers();
  }

  #position(): DestinationPosition {
    const { applied, flushed } = this.#track;
    return {
      v: 1,
      mirror_id: this.#mirrorId,
      applied_lsn: formatLsn(applied.lsn),
      flushed_lsn: formatLsn(flushed.lsn),
      flushed_stream_seq: flushed.streamSeq,
    };
  }
}

const INTERVAL_MS = 100;
const REPEAT_MS = 5_000;
