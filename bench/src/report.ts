import type { DrainRun } from './drain.js';

/** The middle one of a sorted list; the mean of the middle two of an even one. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const [low, high] = [sorted[middle - 1], sorted[middle]];
  if (high === undefined) throw new Error('a median needs a value');
  return sorted.length % 2 === 1 || low === undefined ? high : (low + high) / 2;
}

/** A table of text, columns padded to their widest cell. */
export function textTable(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => (row[column] ?? '').length)),
  );
  const line = (row: readonly string[]): string =>
    `| ${widths.map((width, column) => (row[column] ?? '').padEnd(width)).join(' | ')} |`;
  const [head, ...body] = rows;
  if (head === undefined) return '';
  return [
    line(head),
    `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`,
    ...body.map(line),
  ].join('\n');
}

const CPU_GROUPS = ['walsender', 'capture', 'nats', 'apply', 'destination'] as const;

/** One line per workload and peer: medians, the ratio to the native one, CPU per row by process. */
export function drainTable(results: ReadonlyMap<string, readonly DrainRun[]>): string {
  const rows: string[][] = [
    [
      'workload',
      'peer',
      'rows/s',
      'ratio',
      'range (rows/s)',
      ...CPU_GROUPS.map((group) => `${group} µs/row`),
      'all',
      'RSS capture/apply (MiB)',
    ],
  ];
  for (const [workload, runs] of results) {
    const native = runs.filter((run) => run.peer === 'native').map((run) => run.rowsPerSecond);
    for (const peer of new Set(runs.map((run) => run.peer))) {
      const own = runs.filter((run) => run.peer === peer);
      rows.push(drainRow(workload, peer, own, native));
    }
  }
  return textTable(rows);
}

function drainRow(
  workload: string,
  peer: string,
  runs: readonly DrainRun[],
  native: readonly number[],
): string[] {
  const speeds = runs.map((run) => run.rowsPerSecond);
  const speed = median(speeds);
  const cpu = CPU_GROUPS.map((group) =>
    median(runs.map((run) => run.cpuMicrosPerRow.get(group) ?? 0)),
  );
  const rss = ['capture', 'apply'].map((service) =>
    Math.max(0, ...runs.map((run) => run.peakRssBytes.get(service) ?? 0)),
  );
  return [
    workload,
    peer,
    String(Math.round(speed)),
    native.length === 0 ? '–' : (speed / median(native)).toFixed(2),
    `${Math.round(Math.min(...speeds))}–${Math.round(Math.max(...speeds))}`,
    ...cpu.map((micros) => (micros === 0 ? '–' : micros.toFixed(2))),
    cpu.reduce((sum, micros) => sum + micros, 0).toFixed(2),
    rss.some((bytes) => bytes > 0)
      ? rss.map((bytes) => Math.round(bytes / 1024 / 1024)).join(' / ')
      : '–',
  ];
}
