import {
  Badge,
  Group,
  Pagination,
  Paper,
  Select,
  Stack,
  Table,
  Text,
  TextInput,
} from '@mantine/core';
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

export function LogsTab({ mirror }: { readonly mirror: MirrorWithTables }) {
  const { name } = mirror;
  const [page, setPage] = useState(1);
  const [level, setLevel] = useState<LogLine['level']>();
  const [category, setCategory] = useState<LogLine['category']>();
  const [typed, setTyped] = useState('');
  const [search] = useDebouncedValue(typed.trim(), 300);
  const query = {
    limit: PAGE,
    offset: (page - 1) * PAGE,
    ...(level && { level }),
    ...(category && { category }),
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
      <Group>
        <TextInput
          size="xs"
          placeholder="Search"
          aria-label="Search the log"
          value={typed}
          onChange={(event) => {
            setTyped(event.currentTarget.value);
            setPage(1);
          }}
        />
        <Select
          size="xs"
          placeholder="Every level"
          aria-label="Level"
          clearable
          data={[...LEVELS]}
          value={level ?? null}
          onChange={(value) => {
            setLevel(LEVELS.find((each) => each === value));
            setPage(1);
          }}
        />
        <Select
          size="xs"
          placeholder="Every category"
          aria-label="Category"
          clearable
          data={[...CATEGORIES]}
          value={category ?? null}
          onChange={(value) => {
            setCategory(CATEGORIES.find((each) => each === value));
            setPage(1);
          }}
        />
      </Group>
      {logs.isPending && <Waiting />}
      {logs.error && (
        <ProblemAlert
          error={logs.error}
          title="The log cannot be shown"
          onRetry={() => void logs.refetch()}
        />
      )}
      {logs.data && (
        <Paper withBorder>
          <Table verticalSpacing={6}>
            <Table.Tbody>
              {logs.data.logs.map((line) => (
                <Table.Tr key={line.id}>
                  <Table.Td w={170}>
                    <Text size="xs" c="dimmed">
                      {moment(line.created_at)}
                    </Text>
                  </Table.Td>
                  <Table.Td w={150}>
                    <Badge size="sm" variant="light" color={COLOR[line.level] ?? 'gray'} tt="none">
                      {line.level} · {line.category}
                    </Badge>
                  </Table.Td>
                  <Table.Td>
                    <Text size="sm">{line.message}</Text>
                  </Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
          {logs.data.logs.length === 0 && (
            <Text c="dimmed" p="md">
              No line fits.
            </Text>
          )}
        </Paper>
      )}
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
