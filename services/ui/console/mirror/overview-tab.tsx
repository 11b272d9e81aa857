import { Group, Paper, SegmentedControl, SimpleGrid, Stack, Text } from '@mantine/core';
import { useState } from 'react';
import type { Metrics, MirrorWithTables } from '../api/client.js';
import { useMetrics } from '../api/mirrors.js';
import { TimeChart } from '../parts/time-chart.js';
import { BYTE_STEPS, bytes, count, known, moment, seconds } from '../parts/words.js';
import { CopyProgress } from './copy-progress.js';
import { Pipeline } from './pipeline.js';
import { walForecast } from './wal-forecast.js';

const WINDOWS = [
  { value: '15m', label: '15 min' },
  { value: '1h', label: '1 h' },
  { value: '24h', label: '24 h' },
];

/** How the mirror does: the numbers of now, the way of a change, and the last minutes or hours as graphs. */
export function OverviewTab({ mirror }: { readonly mirror: MirrorWithTables }) {
  const [window, setWindow] = useState('15m');
  const metrics = useMetrics(mirror.name, window, 2_000);
  return (
    <Stack>
      <Facts mirror={mirror} metrics={metrics.data} />
      {mirror.snapshot.tables_done < mirror.snapshot.tables_total && (
        <CopyProgress mirror={mirror} />
      )}
      <Pipeline mirror={mirror} metrics={metrics.data} />
      <Group justify="flex-end">
        <SegmentedControl
          size="xs"
          data={WINDOWS}
          value={window}
          onChange={setWindow}
          aria-label="Time span of the graphs"
        />
      </Group>
      <Charts series={metrics.data?.series ?? []} />
    </Stack>
  );
}

interface FactsProps {
  readonly mirror: MirrorWithTables;
  readonly metrics: Metrics | undefined;
}

function Facts({ mirror, metrics }: FactsProps) {
  const { tables_waiting: waiting } = mirror;
  return (
    <SimpleGrid cols={{ base: 2, sm: 3, lg: 5 }}>
      <Fact
        label="Lag"
        value={known(mirror.lag_seconds, seconds)}
        detail={known(mirror.lag_bytes, bytes)}
      />
      <Fact
        label="Rows per second"
        value={count(mirror.rows_per_second)}
        detail={`${known(metrics?.total_rows_synced, count)} in all`}
      />
      <Fact
        label="WAL kept at the source"
        value={known(metrics?.retained_wal_bytes, bytes)}
        detail={walForecast(metrics?.series ?? [], metrics?.wal_room_bytes ?? null)}
      />
      <Fact
        label="Tables"
        value={count(mirror.tables.length)}
        detail={waiting === 0 ? 'none held' : `${count(waiting)} held or in error`}
      />
      <Fact
        label="Last change"
        value={known(metrics?.last_sync_time, moment)}
        detail={mirror.last_lsn ?? ''}
      />
    </SimpleGrid>
  );
}

interface FactProps {
  readonly label: string;
  readonly value: string;
  readonly detail: string;
}

function Fact({ label, value, detail }: FactProps) {
  return (
    <Paper withBorder p="sm">
      <Text size="xs" c="dimmed">
        {label}
      </Text>
      <Text fw={600} size="lg">
        {value}
      </Text>
      <Text size="xs" c="dimmed" mih={18}>
        {detail}
      </Text>
    </Paper>
  );
}

function Charts({ series }: { readonly series: NonNullable<Metrics['series']> }) {
  const times = series.map((sample) => Date.parse(sample.at));
  return (
    <SimpleGrid cols={{ base: 1, lg: 2 }}>
      <TimeChart
        title="Lag"
        color="#1098ad"
        times={times}
        words={seconds}
        values={series.map((sample) => sample.lag_seconds)}
      />
      <TimeChart
        title="Rows per second"
        color="#2f9e44"
        times={times}
        words={count}
        values={series.map((sample) => sample.rows_per_second)}
      />
      <TimeChart
        title="WAL kept at the source"
        color="#e8590c"
        times={times}
        words={bytes}
        steps={BYTE_STEPS}
        values={series.map((sample) => sample.retained_wal_bytes)}
      />
      <TimeChart
        title="Size of the change stream"
        color="#7048e8"
        times={times}
        words={bytes}
        steps={BYTE_STEPS}
        values={series.map((sample) => sample.stream_bytes)}
      />
    </SimpleGrid>
  );
}
