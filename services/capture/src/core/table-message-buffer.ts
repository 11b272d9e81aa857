import type { TableMessageHead, TruncateFlags } from '@bunnydb/change-stream';
import { type Lsn, ZERO_LSN } from '@bunnydb/pg-model';
import type { BufferPool } from './buffer-pool.js';
import type { Relation } from './relation.js';

/**
 * A table message while it fills: rows of one table, segment and layout (with or without an old key). The fields are
 * written by the row writers directly, since that happens for every row.
 */
export class TableMessageBuffer {
  readonly relation: Relation;
  readonly hasOld: boolean;
  readonly segment: number;
  bytes: Uint8Array;
  length = 0;
  inserts = 0;
  updates = 0;
  deletes = 0;
  firstSeq = 0;
  lastSeq = 0;
  hasUnchanged = false;
  continues = false;
  truncate: TruncateFlags | null = null;
  firstLsn: Lsn = ZERO_LSN;
  lastLsn: Lsn = ZERO_LSN;

  constructor(relation: Relation, hasOld: boolean, segment: number, bytes: Uint8Array) {
    this.relation = relation;
    this.hasOld = hasOld;
    this.segment = segment;
    this.bytes = bytes;
  }

  /** Makes room for `more` bytes, up to the pool's full size; false if they do not fit any more. */
  reserve(more: number, pool: BufferPool): boolean {
    const needed = this.length + more;
    if (needed <= this.bytes.length) return true;
    if (needed > pool.fullBytes) return false;
    const grown = pool.take(needed);
    grown.set(this.bytes.subarray(0, this.length));
    pool.give(this.bytes);
    this.bytes = grown;
    return true;
  }

  /** Notes a row that starts in this message. */
  startRow(seq: number, commitLsn: Lsn): void {
    if (this.firstSeq === 0) {
      this.firstSeq = seq;
      this.firstLsn = commitLsn;
    }
    this.lastSeq = seq;
    this.lastLsn = commitLsn;
  }

  head(epoch: string, batch: string): TableMessageHead {
    return {
      epoch,
      batch,
      segment: this.segment,
      table: this.relation.table,
      columns: this.relation.columns,
      key: this.relation.key,
      identity: this.relation.identity,
      old: this.hasOld ? this.relation.key : [],
      ops: { inserts: this.inserts, updates: this.updates, deletes: this.deletes },
      firstSeq: this.firstSeq,
      lastSeq: this.lastSeq,
      hasUnchanged: this.hasUnchanged,
      continues: this.continues,
      truncate: this.truncate,
      firstLsn: this.firstLsn,
      lastLsn: this.lastLsn,
    };
  }
}
