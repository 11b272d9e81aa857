import type { TablePlan } from './table-plan.js';
import type { StepPart } from './work-step.js';

/**
 * How the rows of one table are written: `copy` streams inserts into the table; `staged` stages changes and applies them as sets;
 * `rows` sends one prepared statement a row.
 */
export type WritePath = 'copy' | 'staged' | 'rows';

/** Up to here a statement a row costs less than a COPY. */
export const FEW_INSERTS = 4;
/** Up to here a statement a row costs less than staging and the set-based statements. */
export const FEW_CHANGES = 20;

export function choosePath(parts: readonly StepPart[], plan: TablePlan): WritePath {
  const inserts = parts.reduce((sum, part) => sum + part.inserts, 0);
  const changes = parts.reduce((sum, part) => sum + part.updates + part.deletes, 0);
  if (changes === 0) return inserts <= FEW_INSERTS && plan.fields.length > 0 ? 'rows' : 'copy';
  if (plan.matching !== 'key') return 'rows';
  return inserts + changes <= FEW_CHANGES ? 'rows' : 'staged';
}
