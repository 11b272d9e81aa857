import { type Alert, type AlertCondition, type OpenAlert, alertKey } from './alert.js';

/** Since when a condition that is not raised holds, or one that is raised does not hold any more. */
export type AlertMemory = ReadonlyMap<string, number>;

export interface AlertStep {
  readonly memory: AlertMemory;
  readonly raise: readonly Alert[];
  /** Ids. */
  readonly resolve: readonly string[];
}

export const NO_MEMORY: AlertMemory = new Map();

/**
 * Decides what to tell. A condition is told once, when it has held for a while, and its end once, when it has been gone for a while: so what comes
 * and goes (a session that fails and recovers again and again) is one alert, not a storm.
 *
 *     absent ──holds for HOLD_MS──▶ raised ──gone for CLEAR_MS──▶ resolved
 *
 * Example: a deadlock fails the apply session, which recovers in two seconds: nothing is told. The destination is down: after half a minute one alert
 * is raised; while its sessions fail every few minutes nothing more is told; a minute after they are well the alert is resolved.
 *
 * @param open what stands raised with the mirror; it outlives this process, the memory does not.
 */
export function stepAlerts(
  memory: AlertMemory,
  current: readonly Alert[],
  open: readonly OpenAlert[],
  nowMs: number,
): AlertStep {
  const present = new Map(current.map((alert) => [alertKey(alert), alert]));
  const raised = new Map(open.map((alert) => [alertKey(alert), alert]));
  const next = new Map<string, number>();
  const raise: Alert[] = [];
  const resolve: string[] = [];
  for (const [key, alert] of present) {
    const standing = raised.get(key);
    // What has become worse is another alert in the place of the first; what has become better is still there.
    const isWorse = standing?.severity === 'warning' && alert.severity === 'critical';
    if (standing && !isWorse) continue;
    if (standing) resolve.push(standing.id);
    const sinceMs = memory.get(key) ?? nowMs;
    next.set(key, sinceMs);
    if (nowMs - sinceMs >= holdMs(alert)) raise.push(alert);
  }
  for (const [key, { id }] of raised) {
    if (present.has(key)) continue;
    const sinceMs = memory.get(key) ?? nowMs;
    next.set(key, sinceMs);
    if (nowMs - sinceMs >= CLEAR_MS) resolve.push(id);
  }
  return { memory: next, raise, resolve };
}

/** What waits for a person is told at once. */
function holdMs({ condition, severity }: Alert): number {
  return severity === 'critical' ? 0 : HOLD_MS[condition];
}

const HOLD_MS: Readonly<Record<AlertCondition, number>> = {
  mirror_error: 30_000,
  // Most tables are held for a moment only, until the schema service has followed.
  table_held: 30_000,
  slot_growth: 60_000,
  no_progress: 0,
};
export const CLEAR_MS = 60_000;
