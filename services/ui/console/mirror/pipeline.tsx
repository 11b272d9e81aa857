import { Group, Paper, Stack, Text } from '@mantine/core';
import { Fragment } from 'react';
import type { Metrics, MirrorWithTables } from '../api/client.js';
import { bytes, count, known } from '../parts/words.js';

interface Station {
  readonly name: string;
  readonly position: string | null | undefined;
  readonly detail: string;
}

/** The way of a change, with the position that each station has reached. */
export function Pipeline({
  mirror,
  metrics,
}: {
  readonly mirror: MirrorWithTables;
  readonly metrics: Metrics | undefined;
}) {
  const told = metrics as (Metrics & Readonly<Record<string, unknown>>) | undefined;
  const lsn = (name: string): string | null => {
    const value = told?.[name];
    return typeof value === 'string' ? value : null;
  };
  const stations: readonly Station[] = [
    { name: 'source', position: lsn('source_lsn'), detail: mirror.source_peer },
    {
      name: 'capture',
      position: lsn('published_lsn'),
      detail: `slot ${mirror.slot_name ?? '–'} at ${lsn('confirmed_lsn') ?? '–'}`,
    },
    {
      name: 'stream',
      position: lsn('published_lsn'),
      detail: `${known(metrics?.stream_messages, count)} messages, ${known(metrics?.stream_bytes, bytes)}`,
    },
    {
      name: 'apply',
      position: lsn('applied_lsn'),
      detail: mirror.last_sync_batch_id ?? 'no batch yet',
    },
    { name: 'destination', position: lsn('flushed_lsn'), detail: mirror.destination_peer },
  ];
  return (
    <Paper withBorder p="sm">
      <Text size="sm" fw={500} mb="xs">
        The way of a change
      </Text>
      <Group
        gap="xs"
        wrap="wrap"
        align="stretch"
        component="ol"
        p={0}
        m={0}
        style={{ listStyle: 'none' }}
      >
        {stations.map((station, index) => (
          <Fragment key={station.name}>
            {index > 0 && (
              <Text c="dimmed" aria-hidden style={{ alignSelf: 'center' }}>
                →
              </Text>
            )}
            <Stack
              gap={0}
              component="li"
              p="xs"
              miw={150}
              style={{
                flex: 1,
                borderRadius: 8,
                border: '1px solid var(--mantine-color-default-border)',
              }}
            >
              <Text size="sm" fw={600}>
                {station.name}
              </Text>
              <Text size="sm" ff="monospace">
                {station.position ?? '–'}
              </Text>
              <Text size="xs" c="dimmed" style={{ overflowWrap: 'anywhere' }}>
                {station.detail}
              </Text>
            </Stack>
          </Fragment>
        ))}
      </Group>
    </Paper>
  );
}
