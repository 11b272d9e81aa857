import { Paper, Text } from '@mantine/core';
import type { Metrics, MirrorWithTables } from '../api/client.js';
import { bytes, count, known } from '../parts/words.js';
import { positionsOf } from './positions.js';

interface Station {
  readonly name: string;
  readonly position: string | null;
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
  const { source, captured, applied, flushed } = positionsOf(metrics ?? {});
  const batch = mirror.last_sync_batch_id;
  const stations: readonly Station[] = [
    { name: 'source', position: source, detail: mirror.source_peer },
    {
      name: 'capture',
      position: captured,
      detail: `slot ${mirror.slot_name ?? '–'} at ${metrics?.confirmed_lsn ?? '–'}`,
    },
    {
      name: 'stream',
      position: captured,
      detail: `${known(metrics?.stream_messages, count)} messages, ${known(metrics?.stream_bytes, bytes)}`,
    },
    {
      name: 'apply',
      position: applied,
      detail: batch === null ? 'no batch yet' : `batch ${batch}`,
    },
    { name: 'destination', position: flushed, detail: mirror.destination_peer },
  ];
  return (
    <Paper withBorder p="sm">
      <Text size="sm" fw={500} mb="xs">
        The way of a change
      </Text>
      <ol className="pipeline">
        {stations.map((station, index) => (
          <li key={station.name}>
            {index > 0 && (
              <span className="pipeline-arrow" aria-hidden>
                →
              </span>
            )}
            <div className="pipeline-station">
              <Text size="sm" fw={600}>
                {station.name}
              </Text>
              <Text size="sm" ff="monospace">
                {station.position ?? '–'}
              </Text>
              <Text size="xs" c="dimmed" style={{ overflowWrap: 'anywhere' }}>
                {station.detail}
              </Text>
            </div>
          </li>
        ))}
      </ol>
    </Paper>
  );
}
