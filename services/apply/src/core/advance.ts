import type { Lsn } from '@bunnydb/pg-model';

/** Where a transaction takes the position from and to. */
export interface Advance {
  readonly from: Lsn;
  readonly to: Lsn;
  readonly streamSeq: number;
  readonly commitTime: string | null;
}
