import type { CommitMessageHead } from '@bunnydb/change-stream';
import type { Lsn } from '@bunnydb/pg-model';

/** How a batch stands to the position: everything up to the position is applied. */
export type Joining = 'applied' | 'joins' | 'gap';

/**
 * Whether a batch is the next one. Its last LSN at or before the position means that all of it is applied, since the position is the end of
 * a transaction; a start after the position means that a piece between them is missing.
 */
export function checkJoin(position: Lsn, head: CommitMessageHead): Joining {
  if (head.lastLsn <= position) return 'applied';
  return head.prevLsn <= position ? 'joins' : 'gap';
}

/**
 * Whether the message that the position row points to is still the one it was written for. Only then can reading start right
 * behind it; a stream that was rebuilt has other messages under the same numbers.
 */
export function isHintValid(position: Lsn, head: CommitMessageHead | undefined): boolean {
  return head?.lastLsn === position;
}
