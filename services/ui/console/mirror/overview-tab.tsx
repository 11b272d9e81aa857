import { Group, Paper, SegmentedControl, SimpleGrid, Stack, Text } from '@mantine/core';
import { useState } from 'react';
import type { MirrorWithTables } from '../api/client.js';
import { useMetrics } from '../api/mirrors.js';
import { TimeChart } from '../parts/time-chart.js';
import { bytes, count, known, moment, seconds } from '../parts/words.js';
import { CopyProgress } from './copy-progress.js';
import { Pipeline } from './pipeline.js';
import { walForecast } from './wal-forecast.js';

const WINDOWS = [
  { value: '15m', label: '15 min' },
  { value: '1h', label: '1 h' },
  { value: '24h', label: '24 h' },
];

export function OverviewTab({ mirror }: { readonly mirror: MirrorWithTables }) {
  const [window, setWindow] = useState('15m');
  const metrics = useMetrics(mirror.name, window, 2_000);
  const series = metrics.data?.series ?? [];
  const times = series.map((sample) => Date.parse(sample.at));
  const forecast = walForecast(series);
  const held = mirror.tables.filter(
    (table) => table.status === 'held' || table.status === 'error',
  ).length;
  return (
    <Stack>
      <SimpleGrid cols={{ base: 2, sm: 3, lg: 5 }}>
        <Fact
          label="Lag"
          value={known(mirror.lag_seconds, seconds)}
          detail={known(mirror.lag_bytes, bytes)}
        />
        <Fact
          label="Rows per second"
          value={count(mirror.rows_per_second)}
          detail={`${known(metrics.data?.total_rows_synced, count)} in all`}
        />
        <Fact
          label="WAL kept at the source"
          value={known(metrics.data?.retained_wal_bytes, bytes)}
          detail={forecast}
        />
        <Fact
          label="Tables"
          value={count(mirror.tables.length)}
          detail={held === 0 ? 'none held' : `${held} held or in error`}
        />
        <Fact
          label="Last change"
          value={known(metrics.data?.last_sync_time, moment)}
          detail={mirror.last_lsn ?? ''}
        />
      </SimpleGrid>
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
      <SimpleGrid cols={{ base: 1, lg: 2 }}>
        <TimeChart
          title="Lag"
          times={times}
          words={seconds}
          lines={[
            { label: 'lag', color: '#1098ad', values: series.map((sample) => sample.lag_seconds) },
          ]}
        />
        <TimeChart
          title="Throughput"
          times={times}
          words={count}
          lines={[
            {
              label: 'rows/s',
              color: '#2f9e44',
              values: series.map((sample) => sample.rows_per_second),
            },
          ]}
        />
        <TimeChart
          title="WAL kept at the source"
          times={times}
          words={bytes}
          lines={[
            {
              label: 'kept',
              color: '#e8590c',
              values: series.map((sample) => sample.retained_wal_bytes),
            },
          ]}
        />
        <TimeChart
          title="Change stream"
          times={times}
          words={bytes}
          lines={[
            {
              label: 'size',
              color: '#7048e8',
              values: series.map((sample) => sample.stream_bytes),
            },
          ]}
        />
      </SimpleGrid>
    </Stack>
  );
}

function Fact({
  label,
  value,
  detail,
}: {
  readonly label: string;
  readonly value: string;
  readonly detail: string;
}) {
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
