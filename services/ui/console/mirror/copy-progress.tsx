import { Group, Paper, Progress, Stack, Text } from '@mantine/core';
import type { MirrorWithTables } from '../api/client.js';
import { bytes, count, seconds } from '../parts/words.js';

/** How far the copy is, over all tables. */
export function CopyProgress({ mirror }: { readonly mirror: MirrorWithTables }) {
  const { snapshot } = mirror;
  const percent = snapshot.bytes_total > 0 ? (snapshot.bytes_done / snapshot.bytes_total) * 100 : 0;
  return (
    <Paper withBorder p="sm">
      <Stack gap="xs">
        <Group justify="space-between">
          <Text size="sm" fw={500}>
            Copying: {snapshot.tables_done} of {snapshot.tables_total} tables
          </Text>
          <Text size="sm" c="dimmed">
            {count(snapshot.rows_done)} rows · {bytes(snapshot.bytes_done)} of about{' '}
            {bytes(snapshot.bytes_total)}
            {snapshot.eta_seconds !== null && ` · ${seconds(snapshot.eta_seconds)} left`}
          </Text>
        </Group>
        <Progress value={percent} aria-label={`copied ${Math.round(percent)} percent`} />
      </Stack>
    </Paper>
  );
}
