import type { ColumnModel } from '../core/catalog-model.js';
import { keyOf } from '../core/relation-facts.js';
import type { TableFrame } from './table-frames.js';

/** A partitioned table has no rows of its own: what is stored for those that were there when a column was added is with its partitions. */
export function withStoredValues(
  frames: readonly TableFrame[],
  columns: ReadonlyMap<string, readonly ColumnModel[]>,
): ReadonlyMap<string, readonly ColumnModel[]> {
  const roots = new Map(
    frames.flatMap((frame) =>
      frame.isRoot && frame.isPartitioned ? [[keyOf(frame.root), frame.oid] as const] : [],
    ),
  );
  if (roots.size === 0) return columns;
  const stored = new Map<string, Map<string, string>>();
  for (const { root, oid, isPartitioned } of frames) {
    const above = roots.get(keyOf(root));
    if (above === undefined || isPartitioned) continue;
    const values = stored.get(above) ?? new Map<string, string>();
    for (const { name, missing } of columns.get(oid) ?? []) {
      if (missing !== undefined) values.set(name, missing);
    }
    stored.set(above, values);
  }
  const filled = new Map(columns);
  for (const [oid, values] of stored) {
    const own = (columns.get(oid) ?? []).map((column) => {
      const missing = values.get(column.name);
      return missing === undefined ? column : { ...column, missing };
    });
    filled.set(oid, own);
  }
  return filled;
}
