import { type Kysely, sql } from 'kysely';
import { type MetricSample, SERVICE_NAMES } from '@bunnydb/contracts';
import { ALERT_CONDITIONS } from '../core/alert/alert.js';
import { MIRROR_STATUSES } from '../core/mirror/mirror-status.js';
import { lagBytesOf } from '../core/view/mirror-metrics.js';
import type { CatalogTables } from './catalog/catalog-tables.js';
import { type MirrorRow, readMirrors } from './catalog/read-mirrors.js';
import type { HeartbeatBoard } from './process/heartbeat-board.js';
import type { StatsBoard } from './process/stats-board.js';

export interface ControlMetricsOptions {
  readonly catalog: Kysely<CatalogTables>;
  readonly stats: StatsBoard;
  readonly heartbeats: HeartbeatBoard;
  readonly now: () => Date;
}

/** What control knows of all mirrors, for `/metrics`. Every instance tells the same; take the maximum. */
export async function controlSamples(options: ControlMetricsOptions): Promise<MetricSample[]> {
  const { catalog, heartbeats } = options;
  const rows = await readMirrors(catalog);
  return [
    ...MIRROR_STATUSES.map((status) => ({
      name: 'bunny_mirrors' as const,
      labels: { status },
      value: rows.filter((row) => row.status === status).length,
    })),
    ...rows.flatMap((row) => mirrorSamples(options, row)),
    ...(await tableSamples(catalog)),
    ...SERVICE_NAMES.map((service) => ({
      name: 'bunny_instances' as const,
      labels: { service },
      value: heartbeats.countOf(service),
    })),
    ...(await waitingSamples(catalog)),
  ];
}

function mirrorSamples({ stats, now }: ControlMetricsOptions, row: MirrorRow): MetricSample[] {
  const { mirror_id: mirrorId, name: mirror, status } = row;
  const labels = { mirror };
  const told = stats.statsOf(mirrorId);
  const heardAtMs = stats.heardAtMs(mirrorId);
  const open = row.state.tag === 'absent' ? [] : (row.state.mirror.alerts ?? []);
  return [
    { name: 'bunny_mirror_status', labels: { mirror, status }, value: 1 },
    // What is not known is left out.
    { name: 'bunny_mirror_lag_bytes', labels, value: lagBytesOf(told) ?? Number.NaN },
    {
      name: 'bunny_mirror_lag_seconds',
      labels,
      value: told.apply?.lag_seconds ?? Number.NaN,
    },
    {
      name: 'bunny_mirror_stats_age_seconds',
      labels,
      value: Math.max(0, now().getTime() - heardAtMs) / 1_000,
    },
    { name: 'bunny_mirror_errors_total', labels, value: row.error_count },
    {
      name: 'bunny_mirror_pending_schema_changes',
      labels,
      value: row.pending_schema_changes,
    },
    ...ALERT_CONDITIONS.map((condition) => ({
      name: 'bunny_alerts_open' as const,
      labels: { mirror, condition },
      value: open.filter((alert) => alert.condition === condition).length,
    })),
  ];
}

async function tableSamples(catalog: Kysely<CatalogTables>): Promise<MetricSample[]> {
  const { rows } = await sql<{ mirror: string; status: string; tables: number }>`
    select m.name as mirror, t.status, count(*)::int as tables
      from mirror_tables t join mirrors m using (mirror_id) group by 1, 2`.execute(catalog);
  return rows.map(({ mirror, status, tables }) => ({
    name: 'bunny_mirror_tables',
    labels: { mirror, status },
    value: tables,
  }));
}

async function waitingSamples(catalog: Kysely<CatalogTables>): Promise<MetricSample[]> {
  const { rows } = await sql<{ outbox: number; deliveries: number }>`
    select (select count(*)::int from outbox where dispatched_at is null) as outbox,
           (select count(*)::int from alert_deliveries where ended_at is null) as deliveries`.execute(
    catalog,
  );
  const [row] = rows;
  if (!row) return [];
  return [
    { name: 'bunny_outbox_waiting', labels: {}, value: row.outbox },
    { name: 'bunny_alert_deliveries_waiting', labels: {}, value: row.deliveries },
  ];
}
