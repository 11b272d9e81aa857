import { Alert, Badge, Group, Paper, Select, Stack, Text } from '@mantine/core';
import { useMemo, useState } from 'react';
import type { MirrorWithTables } from '../api/client.js';
import { type SeenChange, useFollowChanges } from '../api/follow-changes.js';
import { useMayWrite } from '../api/session.js';
import { count } from '../parts/words.js';
import { ChangeRow } from './change-row.js';
import { ExplainedButton } from '../parts/explained-button.js';

/** The changes of a table as they come through the change stream. */
export function ChangesTab({ mirror }: { readonly mirror: MirrorWithTables }) {
  const names = mirror.tables.map((table) => table.table_name).toSorted();
  const [chosen, setChosen] = useState<string>();
  const mayLook = useMayWrite();
  if (!mayLook) {
    return <Alert color="gray">The rows themselves are shown to administrators only.</Alert>;
  }
  const table = chosen ?? names[0];
  if (table === undefined) return <Text c="dimmed">The mirror has no table yet.</Text>;
  return (
    <Follower
      key={table}
      mirrorName={mirror.name}
      table={table}
      tables={names}
      onChoose={setChosen}
    />
  );
}

interface Props {
  readonly mirrorName: string;
  readonly table: string;
  readonly tables: readonly string[];
  readonly onChoose: (table: string) => void;
}

function Follower({ mirrorName, table, tables, onChoose }: Props) {
  const followed = useFollowChanges(mirrorName, table);
  const { changes, isLive, isPaused, leftOutCount } = followed;
  return (
    <Stack>
      <Group gap="xs">
        <Select
          size="xs"
          searchable
          w={280}
          aria-label="Table"
          data={[...tables]}
          value={table}
          allowDeselect={false}
          onChange={(value) => value !== null && onChoose(value)}
        />
        <ExplainedButton
          explain={
            isPaused
              ? 'Shows changes as they come again.'
              : 'Leaves the list as it is, to be read; the mirror itself goes on.'
          }
          size="xs"
          variant="default"
          onClick={isPaused ? followed.goOn : followed.pause}
        >
          {isPaused ? 'Follow again' : 'Stop following'}
        </ExplainedButton>
        <ExplainedButton
          explain="Empties the list on this page; nothing else."
          size="xs"
          variant="default"
          onClick={followed.clear}
        >
          Clear the list
        </ExplainedButton>
        <Badge variant="dot" color={isPaused ? 'gray' : isLive ? 'teal' : 'orange'} tt="none">
          {isPaused
            ? `paused, ${count(followed.missedCount)} came meanwhile`
            : isLive
              ? 'live'
              : 'connecting'}
        </Badge>
      </Group>
      {changes.length > 0 && <ChangeTable table={table} changes={changes} />}
      {changes.length === 0 && (
        <Text c="dimmed">
          The change stream holds no change of {table} at the moment. Changes appear here as they
          commit at the source.
        </Text>
      )}
      {leftOutCount > 0 && (
        <Text size="sm" c="dimmed">
          {count(leftOutCount)} more came faster than anybody can read.
        </Text>
      )}
    </Stack>
  );
}

interface TableProps {
  readonly table: string;
  readonly changes: readonly SeenChange[];
}

function ChangeTable({ table, changes }: TableProps) {
  // The columns of today; a change from before a column was added has none of it.
  const latest = changes.find(({ change }) => change.columns.length > 0)?.change.columns ?? [];
  const names = JSON.stringify(latest);
  // The same list as long as it names the same, so that rows need not be drawn again.
  const columns = useMemo(() => JSON.parse(names) as readonly string[], [names]);
  return (
    <Paper
      withBorder
      style={{ overflow: 'auto', maxHeight: '65vh' }}
      tabIndex={0}
      role="region"
      aria-label={`Changes of ${table}`}
    >
      <table className="change-table">
        <thead>
          <tr>
            <th>Committed</th>
            <th>Change</th>
            {columns.map((column) => (
              <th key={column}>{column}</th>
            ))}
          </tr>
        </thead>
        <tbody>
          {changes.map(({ id, change }) => (
            <ChangeRow key={id} change={change} columns={columns} />
          ))}
        </tbody>
      </table>
    </Paper>
  );
}
