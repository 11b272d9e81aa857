import type { Mirror } from '../api/client.js';

/** Whether nothing will get better unless somebody does something. */
export function needsPerson(mirror: Mirror): boolean {
  return isUnattended(mirror) || (mirror.status === 'error' && mirror.next_retry_at === null);
}

/** Whether the mirror is fine as far as was told, but nobody works on it: with a worker or a server back, it goes on by itself. */
export function isUnattended(mirror: Mirror): boolean {
  return (
    mirror.status !== 'error' && mirror.error_message !== null && mirror.next_retry_at === null
  );
}

/** What needs a person, then what tries again, then what holds tables back, then what has changes to decide on, then the rest; by name among themselves. */
export function inOrderOfNeed(mirrors: readonly Mirror[]): readonly Mirror[] {
  return mirrors.toSorted(
    (left, right) => rank(left) - rank(right) || left.name.localeCompare(right.name),
  );
}

function rank(mirror: Mirror): number {
  if (needsPerson(mirror)) return 0;
  if (mirror.status === 'error') return 1;
  if (mirror.tables_waiting > 0) return 2;
  return mirror.pending_schema_changes > 0 ? 3 : 4;
}
