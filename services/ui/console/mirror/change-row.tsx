import { Badge, Code, Stack, Table, Text } from '@mantine/core';
import type { RowChange } from '../api/client.js';
import { moment } from '../parts/words.js';

const COLOR = { insert: 'teal', update: 'blue', delete: 'red', truncate: 'orange' } as const;

interface Props {
  readonly change: RowChange;
  readonly columns: readonly string[];
}

/** A change as a row: the new values, and above them the old ones where they are known and others. */
export function ChangeRow({ change, columns }: Props) {
  return (
    <Table.Tr>
      <Table.Td>
        <Text size="xs" c="dimmed" style={{ whiteSpace: 'nowrap' }}>
          {moment(change.at)}
        </Text>
      </Table.Td>
      <Table.Td>
        <Badge size="sm" miw={72} color={COLOR[change.operation]} variant="light" tt="none">
          {change.operation}
        </Badge>
      </Table.Td>
      {columns.map((column) => (
        <Table.Td key={column} maw={260}>
          <Cell change={change} column={column} />
        </Table.Td>
      ))}
    </Table.Tr>
  );
}

function Cell({ change, column }: { readonly change: RowChange; readonly column: string }) {
  if (change.unchanged.includes(column)) {
    return (
      <Text
        size="xs"
        c="dimmed"
        fs="italic"
        title="Large, and as it was: the source does not say it again."
      >
        unchanged
      </Text>
    );
  }
  const value = change.row[column];
  const old = change.old?.[column];
  return (
    <Stack gap={0}>
      {old !== undefined && old !== value && (
        <Text size="xs" c="dimmed" td="line-through" truncate>
          {old ?? 'NULL'}
        </Text>
      )}
      {value === null && <Code style={{ alignSelf: 'flex-start' }}>NULL</Code>}
      {typeof value === 'string' && (
        <Text size="xs" ff="monospace" truncate title={value}>
          {change.cut.includes(column) ? `${value}…` : value}
        </Text>
      )}
    </Stack>
  );
}
