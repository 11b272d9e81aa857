import { Badge } from '@mantine/core';

const COLOR: Readonly<Record<string, string>> = {
  running: 'teal',
  catching_up: 'blue',
  snapshotting: 'blue',
  copying: 'blue',
  setting_up: 'blue',
  created: 'gray',
  pending: 'gray',
  resyncing: 'blue',
  syncing_schema: 'blue',
  pausing: 'gray',
  paused: 'gray',
  held: 'orange',
  error: 'red',
  terminating: 'orange',
  stopped: 'gray',
};

/** A status word of the contract; the colour only repeats it. */
export function StatusBadge({ status }: { readonly status: string }) {
  return (
    <Badge color={COLOR[status] ?? 'gray'} variant="light" radius="sm" tt="none" autoContrast>
      {status.replace('_', ' ')}
    </Badge>
  );
}
