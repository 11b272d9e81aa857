import {
  Alert,
  Badge,
  Button,
  Code,
  Group,
  Paper,
  ScrollArea,
  Select,
  Stack,
  Table,
  Text,
} from '@mantine/core';
import { useState } from 'react';
import type { MirrorWithTables } from '../api/client.js';
import { type Change, type SeenChange, useFollowChanges } from '../api/follow-changes.js';
import { useMayWrite } from '../api/session.js';
import { moment } from '../parts/words.js';

const COLOR = { insert: 'teal', update: 'blue', delete: 'red', truncate: 'orange' } as const;

/** The changes of a table as they come through the change stream. */
export function ChangesTab({ mirror }: { readonly mirror: MirrorWithTables }) {
  const names = mirror.tables.map((table) => table.table_name).toSorted();
  const [table, setTable] = useState(names[0] ?? '');
  const mayLook = useMayWrite();
  if (!mayLook) {
    return <Alert color="gray">The rows themselves are shown to administrators only.</Alert>;
  }
  return (
    <Stack>
      <Select
        size="xs"
        searchable
        maw={320}
        aria-label="Table"
        data={names}
        value={table}
        allowDeselect={false}
        onChange={(value) => value !== null && setTable(value)}
      />
      {table !== '' && <Follower key={table} mirrorName={mirror.name} table={table} />}
    </Stack>
  );
}

function Follower({ mirrorName, table }: { readonly mirrorName: string; readonly table: string }) {
  const { changes, isLive, isPaused, missedCount, pause, goOn, clear } = useFollowChanges(
    mirrorName,
    table,
  );
  const columns = columnsOf(changes);
  return (
    <Stack>
      <Group>
        <Button size="xs" variant="default" onClick={isPaused ? goOn : pause}>
          {isPaused ? 'Go on' : 'Pause'}
        </Button>
        <Button size="xs" variant="default" onClick={clear}>
          Clear
        </Button>
        <Badge variant="dot" color={isPaused ? 'gray' : isLive ? 'teal' : 'orange'} tt="none">
          {isPaused ? `paused, ${missedCount} came meanwhile` : isLive ? 'live' : 'connecting'}
        </Badge>
      </Group>
      {changes.length === 0 ? (
        <Text c="dimmed">
          Nothing has changed in {table} since this page was opened. Changes appear here as they
          commit at the source.
        </Text>
      ) : (
        <Paper withBorder>
          <ScrollArea.Autosize mah={560}>
            <Table verticalSpacing={4} stickyHeader>
              <Table.Thead>
                <Table.Tr>
                  <Table.Th>At</Table.Th>
                  <Table.Th>Change</Table.Th>
                  {columns.map((column) => (
                    <Table.Th key={column}>{column}</Table.Th>
                  ))}
                </Table.Tr>
              </Table.Thead>
              <Table.Tbody>
                {changes.map(({ id, change }) => (
                  <ChangeRow key={id} change={change} columns={columns} />
                ))}
              </Table.Tbody>
            </Table>
          </ScrollArea.Autosize>
        </Paper>
      )}
    </Stack>
  );
}

function columnsOf(changes: readonly SeenChange[]): readonly string[] {
  return changes.find(({ change }) => change.columns.length > 0)?.change.columns ?? [];
}

function ChangeRow({
  change,
  columns,
}: {
  readonly change: Change;
  readonly columns: readonly string[];
}) {
  return (
    <Table.Tr>
      <Table.Td>
        <Text size="xs" c="dimmed" style={{ whiteSpace: 'nowrap' }}>
          {moment(change.at)}
        </Text>
      </Table.Td>
      <Table.Td>
        <Badge size="sm" color={COLOR[change.operation]} variant="light" tt="none">
          {change.operation}
        </Badge>
      </Table.Td>
      {columns.map((column) => (
        <Table.Td key={column} maw={260}>
          <Value change={change} column={column} />
        </Table.Td>
      ))}
    </Table.Tr>
  );
}

function Value({ change, column }: { readonly change: Change; readonly column: string }) {
  if (change.unchanged.includes(column)) {
    return (
      <Text size="xs" c="dimmed" fs="italic">
        unchanged
      </Text>
    );
  }
  const value = change.row[change.columns.indexOf(column)];
  const old = change.old?.[column];
  const isOtherThanBefore = old !== undefined && old !== value;
  return (
    <Stack gap={0}>
      {isOtherThanBefore && (
        <Text size="xs" c="dimmed" td="line-through" truncate>
          {old ?? 'NULL'}
        </Text>
      )}
      {value === null ? (
        <Code>NULL</Code>
      ) : (
        <Text size="xs" ff="monospace" truncate title={value}>
          {value ?? ''}
        </Text>
      )}
    </Stack>
  );
}
