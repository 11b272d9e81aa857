import type { MetricSample } from '@bunnydb/contracts';
import type { OpenSession } from '@bunnydb/messaging';
import type { LivenessDoor } from './liveness.js';
import type { MetricDoor } from './metric-board.js';

interface SessionCounts {
  open: number;
  starts: number;
  failures: number;
}

/**
 * Counts the sessions of each mirror, and watches that one which was told to end does: a session that cannot be ended keeps its mirror
 * from everybody.
 */
export function watchedSessions(
  openSession: OpenSession,
  doors: { readonly metrics: MetricDoor; readonly liveness: LivenessDoor },
): OpenSession {
  const counts = new Map<string, SessionCounts>();
  doors.metrics.add(() => [...counts].flatMap(samplesOf));
  return async (spec, context) => {
    const own = countsOf(counts, spec.name);
    own.open += 1;
    own.starts += 1;
    const told = (): void => {
      const pulse = doors.liveness.watch(`end of a session of ${spec.id}`, {
        silenceMaxMs: END_MAX_MS,
      });
      ended.then(pulse.end, pulse.end);
    };
    context.signal.addEventListener('abort', told, { once: true });
    const ended = openSession(spec, context);
    if (context.signal.aborted) told();
    try {
      await ended;
    } catch (error) {
      if (!context.signal.aborted) own.failures += 1;
      throw error;
    } finally {
      context.signal.removeEventListener('abort', told);
      own.open -= 1;
    }
  };
}

function countsOf(counts: Map<string, SessionCounts>, mirror: string): SessionCounts {
  const known = counts.get(mirror);
  if (known) return known;
  // A process that has seen that many mirrors forgets those that it no longer has.
  if (counts.size >= MIRRORS_MAX)
    for (const [name, { open }] of counts) if (open === 0) counts.delete(name);
  const fresh: SessionCounts = { open: 0, starts: 0, failures: 0 };
  counts.set(mirror, fresh);
  return fresh;
}

function samplesOf([mirror, { open, starts, failures }]: [string, SessionCounts]): MetricSample[] {
  const labels = { mirror };
  return [
    { name: 'bunny_sessions', labels, value: open },
    { name: 'bunny_session_starts_total', labels, value: starts },
    { name: 'bunny_session_failures_total', labels, value: failures },
  ];
}

const MIRRORS_MAX = 1_000;
/** Sessions give what is in flight three seconds, and servers that do not answer a few more. */
const END_MAX_MS = 120_000;
