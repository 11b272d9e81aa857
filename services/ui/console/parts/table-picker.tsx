import { Checkbox, Group, Paper, ScrollArea, Stack, Switch, Text, TextInput } from '@mantine/core';
import { useState } from 'react';
import type { PeerTable } from '../api/client.js';
import { qualifiedName } from './qualified-name.js';
import { bytes, count } from './words.js';

/** Source tables, `schema.table`, with their names at the destination. */
type Chosen = ReadonlyMap<string, string>;

interface Props {
  readonly tables: readonly PeerTable[];
  readonly chosen: Chosen;
  /** Tables whose name at the destination is settled. */
  readonly settled?: Chosen;
  readonly onChange: (chosen: Chosen) => void;
}

const nameOf = (table: PeerTable): string => qualifiedName(table.schema, table.table_name);

/** Tables by schema, to be searched and chosen one by one or a schema at a time, and to be named anew. */
export function TablePicker({ tables, chosen, settled = new Map(), onChange }: Props) {
  const [search, setSearch] = useState('');
  const [isRenaming, setRenaming] = useState(false);
  const wanted = search.trim().toLowerCase();
  const shown = tables.filter((table) => nameOf(table).toLowerCase().includes(wanted));
  const schemas = [...new Set(shown.map((table) => table.schema))].toSorted();
  const set = (names: readonly string[], isChosen: boolean): void => {
    const next = new Map(chosen);
    for (const name of names) {
      if (!isChosen) next.delete(name);
      else if (!next.has(name)) next.set(name, settled.get(name) ?? name);
    }
    onChange(next);
  };
  const rename = (name: string, destination: string): void =>
    onChange(new Map(chosen).set(name, destination));
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
        <Switch
          size="xs"
          label="Other names at the destination"
          checked={isRenaming}
          onChange={(event) => setRenaming(event.currentTarget.checked)}
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
              {...(isRenaming && { rename })}
              settled={settled}
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
  readonly chosen: Chosen;
  readonly settled: Chosen;
  readonly set: (names: readonly string[], isChosen: boolean) => void;
  readonly rename?: (name: string, destination: string) => void;
}

function SchemaGroup({ schema, tables, chosen, settled, set, rename }: GroupProps) {
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
      {tables.slice(0, SHOWN_MAX).map((table) => {
        const name = nameOf(table);
        const destination = chosen.get(name);
        return (
          <Group
            key={name}
            gap="xs"
            ml="lg"
            wrap={rename ? 'wrap' : 'nowrap'}
            justify="space-between"
          >
            <Checkbox
              size="sm"
              label={table.table_name}
              checked={destination !== undefined}
              onChange={(event) => set([name], event.currentTarget.checked)}
            />
            {rename && destination !== undefined && !settled.has(name) ? (
              <TextInput
                size="xs"
                w={260}
                aria-label={`Name of ${name} at the destination`}
                error={destination === ''}
                value={destination}
                onChange={(event) => rename(name, event.currentTarget.value.trim())}
              />
            ) : (
              <TableFacts table={table} />
            )}
          </Group>
        );
      })}
      {tables.length > SHOWN_MAX && (
        <Text size="xs" c="dimmed" ml="lg">
          {tables.length - SHOWN_MAX} more; search to see them
        </Text>
      )}
    </Stack>
  );
}

function TableFacts({ table }: { readonly table: PeerTable }) {
  return (
    <Text size="xs" c="dimmed" style={{ whiteSpace: 'nowrap' }}>
      {!table.has_primary_key && table.replica_identity === 'default' && 'no key · '}
      {table.partitioned && 'partitioned · '}about {count(Math.max(0, table.row_count))} rows,{' '}
      {bytes(table.bytes)}
    </Text>
  );
}

const SHOWN_MAX = 200;
