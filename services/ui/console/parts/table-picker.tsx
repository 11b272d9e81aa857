import { Checkbox, Group, Paper, ScrollArea, Stack, Text, TextInput } from '@mantine/core';
import { useState } from 'react';
import type { PeerTable } from '../api/client.js';
import { bytes, count } from './words.js';

interface Props {
  readonly tables: readonly PeerTable[];
  /** Names, `schema.table`. */
  readonly chosen: ReadonlySet<string>;
  readonly onChange: (chosen: ReadonlySet<string>) => void;
}

export const nameOf = (table: PeerTable): string => `${table.schema}.${table.table_name}`;

/** Tables by schema, to be searched and chosen one by one or a schema at a time. */
export function TablePicker({ tables, chosen, onChange }: Props) {
  const [search, setSearch] = useState('');
  const shown = tables.filter((table) => nameOf(table).includes(search.trim()));
  const schemas = [...new Set(shown.map((table) => table.schema))].toSorted();
  const set = (names: readonly string[], isChosen: boolean): void => {
    const next = new Set(chosen);
    for (const name of names) {
      if (isChosen) next.add(name);
      else next.delete(name);
    }
    onChange(next);
  };
  return (
    <Stack gap="xs">
      <Group justify="space-between">
        <TextInput
          size="xs"
          placeholder="Search"
          aria-label="Search tables"
          value={search}
          onChange={(event) => setSearch(event.currentTarget.value)}
        />
        <Text size="sm" c="dimmed" aria-live="polite">
          {chosen.size} of {tables.length} chosen
        </Text>
      </Group>
      <Paper withBorder>
        <ScrollArea.Autosize mah={380} p="sm">
          {schemas.map((schema) => (
            <SchemaGroup
              key={schema}
              schema={schema}
              tables={shown.filter((table) => table.schema === schema)}
              chosen={chosen}
              set={set}
            />
          ))}
          {shown.length === 0 && <Text c="dimmed">No table has a name like that.</Text>}
        </ScrollArea.Autosize>
      </Paper>
    </Stack>
  );
}

interface GroupProps {
  readonly schema: string;
  readonly tables: readonly PeerTable[];
  readonly chosen: ReadonlySet<string>;
  readonly set: (names: readonly string[], isChosen: boolean) => void;
}

function SchemaGroup({ schema, tables, chosen, set }: GroupProps) {
  const names = tables.map(nameOf);
  const chosenCount = names.filter((name) => chosen.has(name)).length;
  return (
    <Stack gap={4} mb="sm">
      <Checkbox
        label={<b>{schema}</b>}
        checked={chosenCount === names.length}
        indeterminate={chosenCount > 0 && chosenCount < names.length}
        onChange={(event) => set(names, event.currentTarget.checked)}
      />
      {tables.slice(0, SHOWN_MAX).map((table) => (
        <Group key={table.table_name} gap="xs" ml="lg" wrap="nowrap" justify="space-between">
          <Checkbox
            size="sm"
            label={table.table_name}
            checked={chosen.has(nameOf(table))}
            onChange={(event) => set([nameOf(table)], event.currentTarget.checked)}
          />
          <Text size="xs" c="dimmed" style={{ whiteSpace: 'nowrap' }}>
            {!table.has_primary_key && table.replica_identity === 'default' && 'no key · '}
            {table.partitioned && 'partitioned · '}about {count(table.row_count)} rows,{' '}
            {bytes(table.bytes)}
          </Text>
        </Group>
      ))}
      {tables.length > SHOWN_MAX && (
        <Text size="xs" c="dimmed" ml="lg">
          {tables.length - SHOWN_MAX} more; search to see them
        </Text>
      )}
    </Stack>
  );
}

const SHOWN_MAX = 200;
