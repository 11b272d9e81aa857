import { TAB, columnsStart, fieldEnd, readUnchanged, unchangedStart } from './copy-line.js';
import { joinBytes } from './join-bytes.js';

/**
 * Fills the unchanged columns of an update from the row that was its key's last one in the same batch. Columns that are unchanged in
 * both stay unchanged.
 *
 * @param before a row of the same columns.
 * @returns the filled row, or undefined if the update has no unchanged column.
 */
export function mergeUnchanged(
  before: Uint8Array,
  row: Uint8Array,
  columnCount: number,
): Uint8Array | undefined {
  const unchanged = readUnchanged(row, 0);
  if (unchanged.length === 0) return undefined;
  const unchangedBefore = readUnchanged(before, 0);
  const pieces: Uint8Array[] = [
    row.subarray(0, unchangedStart(row, 0)),
    unchangedField(unchanged.filter((position) => unchangedBefore.includes(position))),
  ];
  let at = columnsStart(row, 0);
  let beforeAt = columnsStart(before, 0);
  for (let column = 0; column < columnCount; column++) {
    const end = fieldEnd(row, at);
    const beforeEnd = fieldEnd(before, beforeAt);
    pieces.push(TAB_BYTES);
    pieces.push(
      unchanged.includes(column) ? before.subarray(beforeAt, beforeEnd) : row.subarray(at, end),
    );
    at = end + 1;
    beforeAt = beforeEnd + 1;
  }
  // What follows the columns: the old key, or only the newline.
  pieces.push(row.subarray(at - 1));
  return joinBytes(pieces);
}

function unchangedField(positions: readonly number[]): Uint8Array {
  const text = positions.length === 0 ? '\\N' : positions.map((p) => p + 1).join(',');
  return new TextEncoder().encode(text);
}

const TAB_BYTES = Uint8Array.of(TAB);
