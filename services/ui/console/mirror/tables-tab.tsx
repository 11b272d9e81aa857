import { Group, Paper, Stack, Table, Text, TextInput } from '@mantine/core';
import { useState } from 'react';
import type { MirrorTable, MirrorWithTables } from '../api/client.js';
import { count } from '../parts/words.js';
import { EditTables } from './edit-tables.js';
import { TableRow } from './table-row.js';

/** Every table; those that need a person first. */
export function TablesTab({ mirror }: { readonly mirror: MirrorWithTables }) {
  const [search, setSearch] = useState('');
  const wanted = search.trim().toLowerCase();
  const shown = mirror.tables
    .filter((table) =>
      `${table.table_name} ${table.destination_table} ${table.status}`
        .toLowerCase()
        .includes(wanted),
    )
    .toSorted(
      (left, right) => rank(left) - rank(right) || left.table_name.localeCompare(right.table_name),
    );
  return (
    <Stack>
      <Group justify="space-between">
        <TextInput
          size="xs"
          placeholder="Name or status"
          aria-label="Search tables"
          value={search}
          onChange={(event) => setSearch(event.currentTarget.value)}
        />
        <EditTables mirror={mirror} />
      </Group>
      {shown.length > 0 && (
        <Paper withBorder>
          <Table.ScrollContainer minWidth={940}>
            <Table verticalSpacing="xs">
              <Table.Thead>
                <Table.Tr>
                  <Table.Th>Table</Table.Th>
                  <Table.Th>Status</Table.Th>
                  <Table.Th ta="right" style={{ whiteSpace: 'nowrap' }}>
                    Rows in all
                  </Table.Th>
                  <Table.Th ta="right">Inserted</Table.Th>
                  <Table.Th ta="right">Updated</Table.Th>
                  <Table.Th ta="right">Deleted</Table.Th>
                  <Table.Th style={{ whiteSpace: 'nowrap' }}>Last change</Table.Th>
                  <Table.Td />
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
      )}
      {shown.length === 0 && <Text c="dimmed">No table has a name or a status like that.</Text>}
      {shown.length > SHOWN_MAX && (
        <Text c="dimmed" size="sm">
          {count(shown.length - SHOWN_MAX)} more; search to see them.
        </Text>
      )}
    </Stack>
  );
}

function rank(table: MirrorTable): number {
  if (table.status === 'error') return 0;
  if (table.status === 'held') return 1;
  return table.status === 'running' ? 3 : 2;
}

const SHOWN_MAX = 300;
