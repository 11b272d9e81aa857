import type { BothContents } from './both-contents.js';
import type { Difference } from './row-history.js';
import { partGroups, readPartRows } from './row-readings.js';
import type { QuerySession } from './table-content.js';

export interface DifferingRow {
  readonly id: string;
  readonly how: Difference;
}

export interface DifferingRows {
  readonly rows: readonly DifferingRow[];
  /** False when the search stopped at its maximum: there may be more. */
  readonly complete: boolean;
}

/** Finds the rows that differ between two contents, by reading the parts that do; stops when there are `rowsMax` (or a few more) of them. */
export async function findDifferingRows(
  source: QuerySession,
  destination: QuerySession,
  content: BothContents,
  rowsMax: number,
): Promise<DifferingRows> {
  const { sourceParts, destinationParts, digits } = content;
  const differing = [...new Set([...sourceParts.keys(), ...destinationParts.keys()])]
    .sort()
    .map((part) => ({ part, left: sourceParts.get(part), right: destinationParts.get(part) }))
    // The number of rows is compared too: without columns all digests are one.
    .filter(({ left, right }) => left?.digest !== right?.digest || left?.rows !== right?.rows)
    .map(({ part, left, right }) => ({ part, rows: Math.max(left?.rows ?? 0, right?.rows ?? 0) }));
  const rows: DifferingRow[] = [];
  for (const parts of partGroups(differing)) {
    if (rows.length >= rowsMax) return { rows, complete: false };
    const [left, right] = await Promise.all([
      readPartRows(source, content.source, digits, parts),
      readPartRows(destination, content.destination, digits, parts),
    ]);
    rows.push(...differencesOf(left, right));
  }
  return { rows, complete: true };
}

function differencesOf(
  left: ReadonlyMap<string, string>,
  right: ReadonlyMap<string, string>,
): DifferingRow[] {
  const rows: DifferingRow[] = [];
  for (const [id, digest] of left) {
    const other = right.get(id);
    if (other === undefined) rows.push({ id, how: 'is missing' });
    else if (other !== digest) rows.push({ id, how: 'differs' });
  }
  for (const id of right.keys()) if (!left.has(id)) rows.push({ id, how: 'is too many' });
  return rows;
}
