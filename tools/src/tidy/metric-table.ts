import { METRICS, METRICS_OF, type MetricDefinition } from '@bunnydb/contracts';
import type { TextFile } from '../source-tree.js';
import type { Finding } from './finding.js';
import { markdownTable } from './markdown-table.js';

export const METRIC_PAGE = 'docs/operations/metrics.md';

const HEADINGS: Readonly<Record<string, string>> = {
  every: 'Every service',
  capture: 'Capture',
  apply: 'Apply',
  control: 'Control',
};

/** The page of the operations guide, made from the table of metrics. */
export function metricPage(): string {
  const sections = Object.entries(METRICS_OF)
    .filter(([, metrics]) => Object.keys(metrics).length > 0)
    .flatMap(([service, metrics]) => [
      `## ${HEADINGS[service] ?? service}`,
      '',
      ...markdownTable([
        ['Metric', 'Kind', 'Labels', 'Means'],
        ...Object.entries(metrics).map(rowOf),
      ]),
      '',
    ]);
  return [
    '# Metrics',
    '',
    'Made from `libs/contracts/src/metrics.ts` by `npm run docs:write`; do not edit it here.',
    '',
    'Each service tells its own at `GET /metrics` on `BUNNY_HEALTH_PORT`, in the words of Prometheus, through OpenTelemetry. Numbers are read from what',
    'is counted anyway, when somebody scrapes. Counters begin again with the process or the session; `rate()` knows that. A mirror is told by the',
    'process that has it, under its name. `BUNNY_METRICS_TABLES_MAX` tables have series of their own, as many of each mirror, the first by name; the rest is `(other)`.',
    '`infra/grafana` has a dashboard and `infra/prometheus` alert rules: `docker compose --profile observe up -d`.',
    '',
    ...sections,
  ].join('\n');
}

function rowOf([name, { kind, labels, help }]: [string, MetricDefinition]): readonly string[] {
  const words = help.replaceAll('|', '\\|');
  return [`\`${name}\``, kind, labels.map((label) => `\`${label}\``).join(' '), words];
}

/** The page in the repository is the one that the table would make now. */
export function checkMetricPage(files: readonly TextFile[]): Finding[] {
  const page = files.find(({ path }) => path === METRIC_PAGE);
  return page?.text === metricPage()
    ? []
    : [{ check: 'generated-page', path: METRIC_PAGE, message: 'is stale: npm run docs:write' }];
}

/** A dashboard or rule that names a metric which nobody tells shows nothing, and nobody notices. */
export function checkMetricUses(files: readonly TextFile[]): Finding[] {
  return files
    .filter(({ path }) => /^infra\/(?:grafana|prometheus)\//.test(path))
    .flatMap(({ path, text }) =>
      [...new Set(text.match(/\bbunny_\w+/g))]
        .filter((name) => !isTold(name))
        .map((name) => ({ check: 'metric-name', path, message: `nobody tells ${name}` })),
    );
}

function isTold(name: string): boolean {
  const metrics: Readonly<Record<string, MetricDefinition>> = METRICS;
  if (metrics[name]) return true;
  return metrics[name.replace(/_(?:bucket|sum|count)$/, '')]?.kind === 'histogram';
}
