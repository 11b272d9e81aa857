import { Group, Paper, Progress, Stack, Table, Text, TextInput, Title } from '@mantine/core';
import { RouteButton, RouteLink } from '../parts/route-link.js';
import { useState } from 'react';
import type { Mirror } from '../api/client.js';
import { useMetrics, useMirrors } from '../api/mirrors.js';
import { useMayWrite } from '../api/session.js';
import { inOrderOfNeed, needsPerson } from '../mirror/in-order-of-need.js';
import { FirstSteps } from '../parts/first-steps.js';
import { ProblemAlert } from '../parts/problem-alert.js';
import { Sparkline } from '../parts/sparkline.js';
import { StatusBadge } from '../parts/status-badge.js';
import { Waiting } from '../parts/waiting.js';
import { bytes, count, known, plural, seconds } from '../parts/words.js';

/** Every mirror; what needs a person comes first. */
export function MirrorsPage() {
  const mirrors = useMirrors();
  const mayWrite = useMayWrite();
  const [search, setSearch] = useState('');
  const shown = inOrderOfNeed(mirrors.data ?? []).filter((mirror) =>
    mirror.name.includes(search.trim().toLowerCase()),
  );
  return (
    <Stack>
      <Group justify="space-between">
        <Title order={1} size="h2">
          Mirrors
        </Title>
        <Group>
          <TextInput
            placeholder="Search"
            aria-label="Search mirrors"
            size="xs"
            value={search}
            onChange={(event) => setSearch(event.currentTarget.value)}
          />
          {mayWrite && (
            <RouteButton
              aria-description="Leads to four steps; nothing is made before the last one."
              title="Leads to four steps; nothing is made before the last one."
              size="xs"
              to="/new-mirror"
            >
              New mirror
            </RouteButton>
          )}
        </Group>
      </Group>
      {mirrors.error && (
        <ProblemAlert
          error={mirrors.error}
          title="The mirrors cannot be shown"
          onRetry={() => void mirrors.refetch()}
        />
      )}
      {mirrors.isPending && <Waiting />}
      {mirrors.data?.length === 0 && <FirstSteps />}
      {shown.length > 0 && (
        <Paper withBorder>
          <Table.ScrollContainer minWidth={820}>
            <Table verticalSpacing="sm" highlightOnHover>
              <Table.Thead>
                <Table.Tr>
                  <Table.Th>Mirror</Table.Th>
                  <Table.Th>Status</Table.Th>
                  <Table.Th style={{ whiteSpace: 'nowrap' }}>Lag, 15 min</Table.Th>
                  <Table.Th ta="right">Lag</Table.Th>
                  <Table.Th ta="right">Rows/s</Table.Th>
                  <Table.Th ta="right" style={{ whiteSpace: 'nowrap' }}>
                    WAL kept
                  </Table.Th>
                </Table.Tr>
              </Table.Thead>
              <Table.Tbody>
                {shown.map((mirror) => (
                  <MirrorRow key={mirror.id} mirror={mirror} />
                ))}
              </Table.Tbody>
            </Table>
          </Table.ScrollContainer>
        </Paper>
      )}
      {mirrors.data && mirrors.data.length > 0 && shown.length === 0 && (
        <Text c="dimmed">No mirror has a name like that.</Text>
      )}
    </Stack>
  );
}

function MirrorRow({ mirror }: { readonly mirror: Mirror }) {
  const metrics = useMetrics(mirror.name, '15m', 10_000);
  const lags = metrics.data?.series?.map((sample) => sample.lag_seconds) ?? [];
  return (
    <Table.Tr>
      <Table.Td>
        <RouteLink to="/mirrors/$name" params={{ name: mirror.name }} fw={600}>
          {mirror.name}
        </RouteLink>
        <Text size="xs" c="dimmed">
          {mirror.source_peer} → {mirror.destination_peer}
        </Text>
      </Table.Td>
      <Table.Td maw={380}>
        <Group gap="xs">
          <StatusBadge status={mirror.status} />
          {mirror.tables_waiting > 0 && (
            <RouteLink
              to="/mirrors/$name"
              params={{ name: mirror.name }}
              search={{ tab: 'tables' }}
              size="xs"
            >
              {plural(mirror.tables_waiting, 'table')} held or in error
            </RouteLink>
          )}
          {mirror.pending_schema_changes > 0 && (
            <RouteLink
              to="/mirrors/$name"
              params={{ name: mirror.name }}
              search={{ tab: 'schema' }}
              size="xs"
            >
              {mirror.pending_schema_changes} schema{' '}
              {mirror.pending_schema_changes === 1 ? 'change waits' : 'changes wait'}
            </RouteLink>
          )}
        </Group>
        <Text size="xs" c={needsPerson(mirror) ? undefined : 'dimmed'} lineClamp={2}>
          {mirror.error_message ?? mirror.phase}
        </Text>
        {mirror.status === 'snapshotting' && <CopyBar mirror={mirror} />}
      </Table.Td>
      <Table.Td>
        <Sparkline values={lags} label={`lag of ${mirror.name} over 15 minutes`} />
      </Table.Td>
      <Table.Td ta="right">{known(mirror.lag_seconds, seconds)}</Table.Td>
      <Table.Td ta="right">{count(mirror.rows_per_second)}</Table.Td>
      <Table.Td ta="right">{known(metrics.data?.retained_wal_bytes, bytes)}</Table.Td>
    </Table.Tr>
  );
}

function CopyBar({ mirror }: { readonly mirror: Mirror }) {
  const { bytes_done: done, bytes_total: total } = mirror.snapshot;
  const percent = total > 0 ? (done / total) * 100 : 0;
  return (
    <Progress
      value={percent}
      mt={4}
      size="sm"
      aria-label={`copied ${Math.round(percent)} percent`}
    />
  );
}
