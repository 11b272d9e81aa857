import {
  type CaptureStats,
  type MirrorSpec,
  changeStreamName,
  statsSubject,
} from '@bunnydb/contracts';
import type { Messaging, Stop } from '@bunnydb/messaging';
import { formatLsn, maxLsn } from '@bunnydb/pg-model';
import type { CaptureRun } from './capture-run.js';

/** Publishes a run's counters, about once a second while something changes and every five seconds otherwise. */
export function reportStats(run: CaptureRun, messaging: Messaging, spec: MirrorSpec): Stop {
  let lastText = '';
  let lastAtMs = 0;
  let working = false;
  const report = async (): Promise<void> => {
    const facts = factsOf(run);
    const text = JSON.stringify(facts);
    if (text === lastText && Date.now() - lastAtMs < QUIET_MS) return;
    lastText = text;
    lastAtMs = Date.now();
    const { state } = await messaging.jsm.streams.info(changeStreamName(spec.id));
    const stats: CaptureStats = {
      v: 1,
      mirror_id: spec.id,
      service: 'capture',
      at: new Date().toISOString(),
      ...facts,
      stream_bytes: state.bytes,
      stream_messages: state.messages,
    };
    messaging.publishJson(statsSubject(spec.id, 'capture'), stats);
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
  return () => clearInterval(timer);
}

function factsOf(
  run: CaptureRun,
): Omit<CaptureStats, 'v' | 'mirror_id' | 'service' | 'at' | 'stream_bytes' | 'stream_messages'> {
  const { received, confirmed } = run.slot.progress;
  const { currentLsn, retainedBytes } = run.slot.probed;
  const sourceLsn = maxLsn(received, currentLsn);
  return {
    source_lsn: formatLsn(sourceLsn),
    published_lsn: formatLsn(run.storedLsn),
    confirmed_lsn: formatLsn(confirmed),
    // What the server told last, or what is known to be needed since: whichever is more.
    retained_wal_bytes: Math.max(retainedBytes, Number(sourceLsn - confirmed)),
    ...run.assembler.counters,
  };
}

const INTERVAL_MS = 1_000;
const QUIET_MS = 5_000;
