import type { QualifiedName } from '@bunnydb/pg-model';

/** What the source's catalog says about one relation that holds rows: a table, or a leaf of a partitioned one. */
export interface RelationSize {
  readonly relation: QualifiedName;
  /** Whether rows can be reached by block (`ctid`): a heap, not a foreign table or another access method. */
  readonly hasBlocks: boolean;
  readonly blocks: number;
  /** `reltuples`: negative when the relation was never vacuumed or analyzed. */
  readonly rowsEstimated: number;
  /** With TOAST. */
  readonly bytes: number;
}

/** A slice of one relation, copied in one destination transaction: blocks from `firstBlock` up to, not including, `endBlock`. */
export interface CopyRange {
  readonly rangeNo: number;
  readonly relation: QualifiedName;
  readonly firstBlock: number;
  /** Null: to the end of the relation, however long it is by then. */
  readonly endBlock: number | null;
  /** Weight for the order of work, not a promise. */
  readonly bytesEstimated: number;
}

/**
 * Cuts a table into ranges of about `rowsPerRange` rows, over all its relations. There is always at least one range, so that an
 * empty table goes the same way as a full one.
 */
export function planRanges(
  table: QualifiedName,
  relations: readonly RelationSize[],
  rowsPerRange: number,
): readonly CopyRange[] {
  const ranges: CopyRange[] = [];
  for (const size of relations) {
    const step = blocksPerRange(size, rowsPerRange);
    let firstBlock = 0;
    do {
      const next = firstBlock + step;
      const isLast = next >= size.blocks;
      const share =
        size.blocks === 0 ? 1 : (isLast ? size.blocks - firstBlock : step) / size.blocks;
      ranges.push({
        rangeNo: ranges.length,
        relation: size.relation,
        firstBlock,
        endBlock: isLast ? null : next,
        bytesEstimated: Math.round(size.bytes * share),
      });
      firstBlock = next;
    } while (firstBlock < size.blocks);
  }
  if (ranges.length > 0) return ranges;
  // A partitioned table without partitions.
  return [{ rangeNo: 0, relation: table, firstBlock: 0, endBlock: null, bytesEstimated: 0 }];
}

/** How many rows a table is thought to hold; a relation that was never analyzed counts by its size. */
export function estimateRows(relations: readonly RelationSize[]): number {
  return relations.reduce((sum, size) => sum + Math.round(size.blocks * rowsPerBlock(size)), 0);
}

function blocksPerRange(size: RelationSize, rowsPerRange: number): number {
  if (!size.hasBlocks) return Number.MAX_SAFE_INTEGER;
  const step = Math.ceil(rowsPerRange / Math.max(rowsPerBlock(size), MIN_ROWS_PER_BLOCK));
  // Bounds the ledger and the queue for huge tables of few rows per block.
  return Math.max(step, Math.ceil(size.blocks / RANGES_PER_RELATION_MAX), 1);
}

function rowsPerBlock(size: RelationSize): number {
  if (size.blocks === 0) return 0;
  if (size.rowsEstimated < 0) return ROWS_PER_BLOCK_UNKNOWN;
  return size.rowsEstimated / size.blocks;
}

/** An 8 KiB block of rows of about 100 bytes. */
const ROWS_PER_BLOCK_UNKNOWN = 80;
/** A bloated table has blocks without rows; they are cheap to skip, but not free. */
const MIN_ROWS_PER_BLOCK = 1;
const RANGES_PER_RELATION_MAX = 10_000;
