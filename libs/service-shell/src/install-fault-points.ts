import { onFaultPoint, type FaultPoint } from '@bunnydb/failure';
import type { FaultPlan } from './fault-plan.js';

/** Makes `faultPoint` end the process as the plan says: at once, as a power cut would, nothing flushed or closed. */
export function installFaultPoints(plan: FaultPlan): void {
  if (plan.size === 0) {
    return;
  }
  const hits = new Map<FaultPoint, number>();
  onFaultPoint((point) => {
    const hit = (hits.get(point) ?? 0) + 1;
    hits.set(point, hit);
    if (plan.get(point) === hit) {
      process.kill(process.pid, 'SIGKILL');
    }
  });
}
