import { statsSubject } from '@bunnydb/contracts';
import type { Messaging } from '@bunnydb/messaging';
import type { Lsn } from '@bunnydb/pg-model';
import type { MetricDoor } from '@bunnydb/service-shell';
import type { ApplyProgress } from '../core/apply-progress.js';
import { applySamples } from '../core/apply-samples.js';

/** What the numbers are about at this moment. */
export interface StatsSource {
  readonly applied: Lsn;
  readonly flushed: Lsn;
  readonly isDrained: boolean;
}

export interface StatsReportOptions {
  readonly messaging: Messaging;
  readonly mirror: { readonly id: string; readonly name: string };
  readonly progress: ApplyProgress;
  readonly position: Lsn;
  readonly metrics: MetricDoor | undefined;
}

/**
 * Publishes `bunny.stats.<mirror id>.apply`, every second while something changes, else every five; and tells the same at `/metrics` whenever
 * it is asked.
 */
export class StatsReport {
  readonly #messaging: Messaging;
  readonly #mirrorId: string;
  readonly #progress: ApplyProgress;
  readonly #timer: NodeJS.Timeout;
  readonly #endMetrics: (() => void) | undefined;
  #source: () => StatsSource;
  #told = '';
  #silentTicks = 0;

  constructor(options: StatsReportOptions) {
    const { messaging, mirror, progress, position, metrics } = options;
    this.#messaging = messaging;
    this.#mirrorId = mirror.id;
    this.#progress = progress;
    this.#source = () => ({ applied: position, flushed: position, isDrained: false });
    this.#timer = setInterval(() => this.#tick(), INTERVAL_MS);
    this.#endMetrics = metrics?.add(() =>
      applySamples(mirror.name, progress.stats(this.#source(), new Date())),
    );
    this.#tick();
  }

  /** From now on the numbers come from here. */
  follow(source: () => StatsSource): void {
    this.#source = source;
  }

  close(): void {
    clearInterval(this.#timer);
    this.#endMetrics?.();
    this.#publish();
  }

  #tick(): void {
    const stats = this.#progress.stats(this.#source(), new Date());
    const key = JSON.stringify({ ...stats, at: '', lag_seconds: 0 });
    this.#silentTicks += 1;
    if (key === this.#told && this.#silentTicks < SILENT_TICKS_MAX) return;
    this.#told = key;
    this.#publish();
  }

  #publish(): void {
    this.#silentTicks = 0;
    const stats = this.#progress.stats(this.#source(), new Date());
    this.#messaging.publishJson(statsSubject(this.#mirrorId, 'apply'), stats);
  }
}

const INTERVAL_MS = 1_000;
const SILENT_TICKS_MAX = 5;
