import type { MetricSample } from '@bunnydb/contracts';

/** Stands for all tables of a mirror that have no series of their own. */
export const OTHER_TABLES = '(other)';

/**
 * Bounds the series: `tablesMax` tables keep theirs, as many of each mirror, the first by name; the others of a mirror are added up as one. By name, so that
 * a table does not come and go.
 */
export function capTables(
  samples: readonly MetricSample[],
  tablesMax: number,
): readonly MetricSample[] {
  const names = new Map<string, Set<string>>();
  for (const { labels } of samples) {
    if (labels.table === undefined) continue;
    const known = names.get(labels.mirror ?? '');
    if (known) known.add(labels.table);
    else names.set(labels.mirror ?? '', new Set([labels.table]));
  }
  const each = Math.floor(tablesMax / Math.max(1, names.size));
  const kept = new Map(
    [...names].map(([mirror, tables]) => [
      mirror,
      tables.size <= each ? tables : new Set([...tables].sort().slice(0, each)),
    ]),
  );
  const result: MetricSample[] = [];
  const others = new Map<string, Extract<MetricSample, { value: number }>>();
  for (const sample of samples) {
    const { table, mirror = '' } = sample.labels;
    if (table === undefined || 'distribution' in sample || kept.get(mirror)?.has(table) === true) {
      result.push(sample);
      continue;
    }
    const labels = { ...sample.labels, table: OTHER_TABLES };
    const key = JSON.stringify([sample.name, labels]);
    const value = (others.get(key)?.value ?? 0) + sample.value;
    others.set(key, { ...sample, labels, value });
  }
  return [...result, ...others.values()];
}
