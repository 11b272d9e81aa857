import { Group, Paper, Progress, Radio, Stack, Table, Text, TextInput } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { type MirrorTable, type MirrorWithTables, api, dataOf } from '../api/client.js';
import { mirrorKey } from '../api/mirrors.js';
import { ConfirmButton } from '../parts/confirm-button.js';
import { StatusBadge } from '../parts/status-badge.js';
import { bytes, count, known, moment } from '../parts/words.js';
import { EditTables } from './edit-tables.js';

/** Every table with its state, its counters, and what can be done with it. */
export function TablesTab({ mirror }: { readonly mirror: MirrorWithTables }) {
  const [search, setSearch] = useState('');
  const shown = mirror.tables
    .filter((table) => `${table.table_name} ${table.destination_table}`.includes(search.trim()))
    .toSorted(
      (left, right) => rank(left) - rank(right) || left.table_name.localeCompare(right.table_name),
    );
  return (
    <Stack>
      <Group justify="space-between">
        <TextInput
          size="xs"
          placeholder="Search"
          aria-label="Search tables"
          value={search}
          onChange={(event) => setSearch(event.currentTarget.value)}
        />
        <EditTables mirror={mirror} />
      </Group>
      <Paper withBorder>
        <Table.ScrollContainer minWidth={900}>
          <Table verticalSpacing="xs">
            <Table.Thead>
              <Table.Tr>
                <Table.Th>Table</Table.Th>
                <Table.Th>Status</Table.Th>
                <Table.Th ta="right">Copied and changed</Table.Th>
                <Table.Th ta="right">Inserted</Table.Th>
                <Table.Th ta="right">Updated</Table.Th>
                <Table.Th ta="right">Deleted</Table.Th>
                <Table.Th>Last change</Table.Th>
                <Table.Th />
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {shown.slice(0, SHOWN_MAX).map((table) => (
                <TableRow key={table.table_name} mirror={mirror} table={table} />
              ))}
            </Table.Tbody>
          </Table>
        </Table.ScrollContainer>
      </Paper>
      {shown.length === 0 && <Text c="dimmed">No table has a name like that.</Text>}
      {shown.length > SHOWN_MAX && (
        <Text c="dimmed" size="sm">
          {count(shown.length - SHOWN_MAX)} more; search to see them.
        </Text>
      )}
    </Stack>
  );
}

function TableRow({
  mirror,
  table,
}: {
  readonly mirror: MirrorWithTables;
  readonly table: MirrorTable;
}) {
  return (
    <Table.Tr>
      <Table.Td maw={320}>
        <Text size="sm" fw={500} style={{ overflowWrap: 'anywhere' }}>
          {table.table_name}
        </Text>
        {table.destination_table !== table.table_name && (
          <Text size="xs" c="dimmed">
            → {table.destination_table}
          </Text>
        )}
        {table.error_message && (
          <Text size="xs" c="red">
            {table.error_message}
          </Text>
        )}
      </Table.Td>
      <Table.Td>
        <StatusBadge status={table.status} />
        <CopyOf table={table} />
      </Table.Td>
      <Table.Td ta="right">{count(table.rows_synced)}</Table.Td>
      <Table.Td ta="right">{count(table.rows_inserted)}</Table.Td>
      <Table.Td ta="right">{count(table.rows_updated)}</Table.Td>
      <Table.Td ta="right">{count(table.rows_deleted)}</Table.Td>
      <Table.Td>{known(table.last_synced_at, moment)}</Table.Td>
      <Table.Td>
        <TableActions mirror={mirror} table={table} />
      </Table.Td>
    </Table.Tr>
  );
}

function CopyOf({ table }: { readonly table: MirrorTable }) {
  if (table.status !== 'copying' && table.status !== 'resyncing') return null;
  const copy = table.copy as Readonly<Record<string, number>> | null;
  const done = copy?.['bytes_done'] ?? 0;
  const total = Math.max(done, copy?.['bytes_estimated'] ?? 0);
  const percent = total > 0 ? (done / total) * 100 : 0;
  return (
    <>
      <Progress
        value={percent}
        size="sm"
        mt={4}
        aria-label={`copied ${Math.round(percent)} percent`}
      />
      <Text size="xs" c="dimmed">
        {bytes(done)} of about {bytes(total)}
      </Text>
    </>
  );
}

function TableActions({
  mirror,
  table,
}: {
  readonly mirror: MirrorWithTables;
  readonly table: MirrorTable;
}) {
  const client = useQueryClient();
  const [strategy, setStrategy] = useState<'truncate' | 'swap'>('truncate');
  const look = () => client.invalidateQueries({ queryKey: mirrorKey(mirror.name) });
  const waits = table.status === 'held' || table.status === 'error';
  return (
    <Group gap={6} wrap="nowrap" justify="flex-end">
      {waits && (
        <ConfirmButton
          size="compact-xs"
          label="Retry"
          explain="Applies what waits for this table now. Nothing is lost if it fails again."
          act={async () => {
            const answer = await dataOf(
              api.POST('/v1/mirrors/{name}/retry', {
                params: { path: { name: mirror.name } },
                body: { table: table.table_name },
              }),
            );
            await look();
            return answer.message;
          }}
        />
      )}
      <ConfirmButton
        size="compact-xs"
        label="Resync"
        explain="Copies this table again while all the others go on."
        disabled={table.status === 'resyncing' || table.status === 'copying'}
        question={
          <Stack gap="xs">
            <Text size="sm">
              {table.table_name} is copied again from the source. The other tables go on, and no
              slot is dropped.
            </Text>
            <Radio.Group
              value={strategy}
              onChange={(value) => setStrategy(value === 'swap' ? 'swap' : 'truncate')}
              label="How"
            >
              <Stack gap={6} mt={4}>
                <Radio value="truncate" label="Empty it and fill it again: readers see it fill" />
                <Radio
                  value="swap"
                  label="Fill a shadow table and swap: readers see the old rows until then; takes the room twice"
                />
              </Stack>
            </Radio.Group>
          </Stack>
        }
        act={async () => {
          await dataOf(
            api.POST('/v1/mirrors/{name}/resync/{table}', {
              params: { path: { name: mirror.name, table: table.table_name } },
              body: { strategy },
            }),
          );
          await look();
          return `${table.table_name} is being copied again`;
        }}
      />
    </Group>
  );
}

function rank(table: MirrorTable): number {
  if (table.status === 'error') return 0;
  if (table.status === 'held') return 1;
  return table.status === 'running' ? 3 : 2;
}

const SHOWN_MAX = 300;
