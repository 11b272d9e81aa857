import {
  type CaptureStats,
  type MirrorSpec,
  changeStreamName,
  statsSubject,
} from '@bunnydb/contracts';
import type { Messaging, Stop } from '@bunnydb/messaging';
import { formatLsn, maxLsn } from '@bunnydb/pg-model';
import type { MetricDoor } from '@bunnydb/service-shell';
import { captureSamples } from '../core/capture-samples.js';
import { WalGrowth } from '../core/wal-growth.js';
import type { CaptureRun } from './capture-run.js';

export interface ReportOptions {
  readonly run: CaptureRun;
  readonly messaging: Messaging;
  readonly spec: MirrorSpec;
  readonly metrics: MetricDoor | undefined;
}

/**
 * Publishes a run's counters, about once a second while something changes and every five seconds otherwise, and tells the same at
 * `/metrics` whenever it is asked.
 */
export function reportStats({ run, messaging, spec, metrics }: ReportOptions): Stop {
  const growth = new WalGrowth();
  let stream = { bytes: 0, messages: 0 };
  let lastText = '';
  let lastAtMs = 0;
  let working = false;
  const statsNow = (): CaptureStats => ({
    v: 1,
    mirror_id: spec.id,
    service: 'capture',
    at: new Date().toISOString(),
    ...factsOf(run),
    retained_wal_growth_bytes_per_second: growth.bytesPerSecond,
    stream_bytes: stream.bytes,
    stream_messages: stream.messages,
  });
  const report = async (): Promise<void> => {
    const facts = factsOf(run);
    growth.note(facts.retained_wal_bytes, performance.now());
    const text = JSON.stringify(facts);
    if (text === lastText && Date.now() - lastAtMs < QUIET_MS) return;
    lastText = text;
    lastAtMs = Date.now();
    stream = (await messaging.jsm.streams.info(changeStreamName(spec.id))).state;
    messaging.publishJson(statsSubject(spec.id, 'capture'), statsNow());
  };
  const timer = setInterval(() => {
    if (working) return;
    working = true;
    // Statistics are a courtesy: what keeps them from being told shows elsewhere.
    report()
      .catch(() => undefined)
      .finally(() => {
        working = false;
      });
  }, INTERVAL_MS);
  const endMetrics = metrics?.add(() =>
    captureSamples(spec.name, {
      stats: statsNow(),
      traffic: run.assembler.traffic.all,
      pace: run.pace,
    }),
  );
  return () => {
    clearInterval(timer);
    endMetrics?.();
  };
}

type RunFacts = Omit<
  CaptureStats,
  | 'v'
  | 'mirror_id'
  | 'service'
  | 'at'
  | 'stream_bytes'
  | 'stream_messages'
  | 'retained_wal_growth_bytes_per_second'
>;

function factsOf(run: CaptureRun): RunFacts {
  const { received, confirmed } = run.slot.progress;
  const { currentLsn, retainedBytes, roomBytes } = run.slot.probed;
  const sourceLsn = maxLsn(received, currentLsn);
  return {
    source_lsn: formatLsn(sourceLsn),
    published_lsn: formatLsn(run.storedLsn),
    confirmed_lsn: formatLsn(confirmed),
    // What the server told last, or what is known to be needed since: whichever is more.
    retained_wal_bytes: Math.max(retainedBytes, Number(sourceLsn - confirmed)),
    wal_room_bytes: roomBytes,
    ...run.assembler.counters,
  };
}

const INTERVAL_MS = 1_000;
const QUIET_MS = 5_000;
