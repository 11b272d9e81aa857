import { Progress, Table, Text } from '@mantine/core';
import type { MirrorTable, MirrorWithTables } from '../api/client.js';
import { RouteLink } from '../parts/route-link.js';
import { StatusBadge } from '../parts/status-badge.js';
import { bytes, count, known, moment, seconds } from '../parts/words.js';
import { SkipButton, TableActions } from './table-actions.js';

interface Props {
  readonly mirror: MirrorWithTables;
  readonly table: MirrorTable;
}

/** A table with its state, its counters, and what can be done with it; below it why it waits, if it does. */
export function TableRow({ mirror, table }: Props) {
  const waits = table.error_message !== null;
  return (
    <>
      <Counters mirror={mirror} table={table} />
      {waits && (
        <Table.Tr style={{ borderTop: 'none' }}>
          <Table.Td colSpan={COLUMNS} pt={0}>
            <Trouble mirror={mirror} table={table} />
          </Table.Td>
        </Table.Tr>
      )}
    </>
  );
}

const COLUMNS = 8;

function Counters({ mirror, table }: Props) {
  return (
    <Table.Tr style={table.error_message === null ? {} : { borderBottom: 'none' }}>
      <Table.Td maw={360} miw={150}>
        <Text size="sm" fw={500} style={{ overflowWrap: 'anywhere' }}>
          {table.table_name}
        </Text>
        {table.destination_table !== table.table_name && (
          <Text size="xs" c="dimmed">
            →&nbsp;{table.destination_table}
          </Text>
        )}
      </Table.Td>
      <Table.Td miw={110}>
        <StatusBadge status={table.status} />
        <CopyOf table={table} />
      </Table.Td>
      <Table.Td ta="right">{count(table.rows_synced)}</Table.Td>
      <Table.Td ta="right">{count(table.rows_inserted)}</Table.Td>
      <Table.Td ta="right">{count(table.rows_updated)}</Table.Td>
      <Table.Td ta="right">{count(table.rows_deleted)}</Table.Td>
      <Table.Td style={{ whiteSpace: 'nowrap' }}>{known(table.last_synced_at, moment)}</Table.Td>
      <Table.Td>
        <TableActions mirror={mirror} table={table} />
      </Table.Td>
    </Table.Tr>
  );
}

function Trouble({ mirror, table }: Props) {
  return (
    <div className="table-trouble">
      <Text
        size="xs"
        c={table.status === 'error' ? 'red' : undefined}
        style={{ overflowWrap: 'anywhere' }}
      >
        {table.error_message}
      </Text>
      <Text size="xs" c="dimmed">
        {table.next_retry_at === null
          ? 'Its changes are kept. It does not try again by itself.'
          : `Its changes are kept. The next try is at ${moment(table.next_retry_at)}.`}
      </Text>
      {isAboutStructure(table) && mirror.pending_schema_changes > 0 && (
        <RouteLink
          size="xs"
          to="/mirrors/$name"
          params={{ name: mirror.name }}
          search={{ tab: 'schema' }}
        >
          Decide on the schema changes
        </RouteLink>
      )}
      <SkipButton mirror={mirror} table={table} />
    </div>
  );
}

/** Whether what the table waits for is a decision about its structure. */
function isAboutStructure({ status, error_message: message }: MirrorTable): boolean {
  return status === 'held' && message?.includes('schema-diff') === true;
}

function CopyOf({ table }: { readonly table: MirrorTable }) {
  if (table.status !== 'copying' && table.status !== 'resyncing') return null;
  const { copy } = table;
  const done = copy?.bytes_done ?? 0;
  const total = Math.max(done, copy?.bytes_estimated ?? 0);
  const left = copy?.eta_seconds ?? null;
  const percent = total > 0 ? (done / total) * 100 : 0;
  return (
    <>
      <Progress value={percent} size="sm" mt={4} aria-label={`${table.table_name} copied`} />
      <Text size="xs" c="dimmed">
        {bytes(done)} of about {bytes(total)}
        {left !== null && ` · ${seconds(left)} left`}
      </Text>
    </>
  );
}
