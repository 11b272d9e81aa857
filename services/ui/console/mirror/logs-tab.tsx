import { Badge, Group, Pagination, Paper, Select, Stack, Text, TextInput } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { type LogLine, type MirrorWithTables, api, dataOf } from '../api/client.js';
import { mirrorKey } from '../api/mirrors.js';
import { ProblemAlert } from '../parts/problem-alert.js';
import { Waiting } from '../parts/waiting.js';
import { moment } from '../parts/words.js';

const PAGE = 50;
const LEVELS: readonly LogLine['level'][] = ['info', 'warn', 'error'];
const CATEGORIES: readonly LogLine['category'][] = [
  'setup',
  'snapshot',
  'replication',
  'schema',
  'resync',
  'error',
  'user',
];
const COLOR: Readonly<Record<string, string>> = { info: 'gray', warn: 'orange', error: 'red' };

/** What the mirror says of itself, to be searched. */
export function LogsTab({ mirror }: { readonly mirror: MirrorWithTables }) {
  const { name } = mirror;
  const [page, setPage] = useState(1);
  const [filter, setFilter] = useState<Filter>({ text: '' });
  const [search] = useDebouncedValue(filter.text.trim(), 300);
  const query = {
    limit: PAGE,
    offset: (page - 1) * PAGE,
    ...(filter.level && { level: filter.level }),
    ...(filter.category && { category: filter.category }),
    ...(search && { search }),
  };
  const logs = useQuery({
    queryKey: [...mirrorKey(name), 'logs', query],
    queryFn: () =>
      dataOf(api.GET('/v1/mirrors/{name}/logs', { params: { path: { name }, query } })),
    placeholderData: (earlier) => earlier,
  });
  return (
    <Stack>
      <FilterFields
        filter={filter}
        onChange={(next) => {
          setFilter(next);
          setPage(1);
        }}
      />
      {logs.isPending && <Waiting />}
      {logs.error && (
        <ProblemAlert
          error={logs.error}
          title="The log cannot be shown"
          onRetry={() => void logs.refetch()}
        />
      )}
      {logs.data && <Lines lines={logs.data.logs} />}
      {logs.data && logs.data.total > PAGE && (
        <Pagination
          total={Math.ceil(logs.data.total / PAGE)}
          value={page}
          onChange={setPage}
          getControlProps={(control) => ({ 'aria-label': `${control} page` })}
        />
      )}
    </Stack>
  );
}

interface Filter {
  readonly text: string;
  readonly level?: LogLine['level'] | undefined;
  readonly category?: LogLine['category'] | undefined;
}

interface FilterProps {
  readonly filter: Filter;
  readonly onChange: (filter: Filter) => void;
}

function FilterFields({ filter, onChange }: FilterProps) {
  return (
    <Group>
      <TextInput
        size="xs"
        placeholder="Search"
        aria-label="Search the log"
        value={filter.text}
        onChange={(event) => onChange({ ...filter, text: event.currentTarget.value })}
      />
      <Select
        size="xs"
        placeholder="Every level"
        aria-label="Level"
        clearable
        data={[...LEVELS]}
        value={filter.level ?? null}
        onChange={(value) => onChange({ ...filter, level: LEVELS.find((each) => each === value) })}
      />
      <Select
        size="xs"
        placeholder="Every category"
        aria-label="Category"
        clearable
        data={[...CATEGORIES]}
        value={filter.category ?? null}
        onChange={(value) =>
          onChange({ ...filter, category: CATEGORIES.find((each) => each === value) })
        }
      />
    </Group>
  );
}

function Lines({ lines }: { readonly lines: readonly LogLine[] }) {
  if (lines.length === 0) return <Text c="dimmed">No line fits.</Text>;
  return (
    <Paper withBorder component="ul" className="log-lines">
      {lines.map((line) => (
        <li key={line.id}>
          <Text size="xs" c="dimmed" className="log-time">
            {moment(line.created_at)}
          </Text>
          <div className="log-kind">
            <Badge
              size="sm"
              miw="max-content"
              variant="light"
              color={COLOR[line.level] ?? 'gray'}
              tt="none"
            >
              {line.level} · {line.category}
            </Badge>
          </div>
          <Text size="sm" className="log-message">
            {line.message}
          </Text>
        </li>
      ))}
    </Paper>
  );
}
