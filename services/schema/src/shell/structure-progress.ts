import { type Messaging, emitEvent, newWorkerEvent } from '@bunnydb/messaging';
import type { BuildProgress } from './build-structure.js';

/** Tells how far a build is, at most every few seconds: the events are kept in the mirror's history. */
export function tellProgress(
  messaging: Messaging,
  instance: string,
  mirrorId: string,
): (progress: BuildProgress) => void {
  let toldAt = performance.now();
  return (progress) => {
    if (performance.now() - toldAt < INTERVAL_MS) return;
    toldAt = performance.now();
    const event = newWorkerEvent({ service: 'schema', instance }, mirrorId, 'structure_progress', {
      ...progress,
    });
    // Progress that cannot be told is told by the next one; the answer to the command tells the end.
    emitEvent(messaging, event).catch(() => undefined);
  };
}

const INTERVAL_MS = 5_000;
