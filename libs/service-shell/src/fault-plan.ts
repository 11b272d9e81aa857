import { FAULT_POINTS, type FaultPoint } from '@bunnydb/failure';
import { InvalidSetting } from './environment.js';

/** At which hit of which point the process ends. */
export type FaultPlan = ReadonlyMap<FaultPoint, number>;

/**
 * Reads a list of fault points: names separated by commas, each with an optional hit (`apply.after_commit@3` is the third).
 *
 * @throws InvalidSetting for a name that does not exist, so that a test never passes because of a misspelled point.
 */
export function parseFaultPlan(variable: string, text: string): FaultPlan {
  const plan = new Map<FaultPoint, number>();
  for (const part of text.split(',').filter((item) => item.trim() !== '')) {
    const [name, hit = '1'] = part.trim().split('@');
    const point = FAULT_POINTS.find((candidate) => candidate === name);
    const hitNumber = /^[1-9]\d*$/.test(hit) ? Number(hit) : undefined;
    if (point === undefined || hitNumber === undefined) {
      throw new InvalidSetting(
        variable,
        `must list fault points as name or name@hit; the names are ${FAULT_POINTS.join(', ')}`,
      );
    }
    plan.set(point, hitNumber);
  }
  return plan;
}
