import { Alert, Badge, Breadcrumbs, Group, Stack, Tabs, Text, Title, Tooltip } from '@mantine/core';
import { RouteLink } from '../parts/route-link.js';
import { useNavigate, useParams, useSearch } from '@tanstack/react-router';
import { lazily } from '../parts/lazily.js';
import type { MirrorWithTables } from '../api/client.js';
import { useFollowMirror } from '../api/follow-mirror.js';
import { useMirror } from '../api/mirrors.js';
import { isUnattended } from '../mirror/in-order-of-need.js';
import { MirrorActions } from '../mirror/mirror-actions.js';
import { ProblemAlert } from '../parts/problem-alert.js';
import { StatusBadge } from '../parts/status-badge.js';
import { Waiting } from '../parts/waiting.js';
import { moment } from '../parts/words.js';
import { MIRROR_TABS, type MirrorTab } from '../mirror/mirror-tabs.js';

const OverviewTab = lazily(async () => (await import('../mirror/overview-tab.js')).OverviewTab);
const TablesTab = lazily(async () => (await import('../mirror/tables-tab.js')).TablesTab);
const SchemaTab = lazily(async () => (await import('../mirror/schema-tab.js')).SchemaTab);
const ChangesTab = lazily(async () => (await import('../mirror/changes-tab.js')).ChangesTab);
const HistoryTab = lazily(async () => (await import('../mirror/history-tab.js')).HistoryTab);
const LogsTab = lazily(async () => (await import('../mirror/logs-tab.js')).LogsTab);
const SettingsTab = lazily(async () => (await import('../mirror/settings-tab.js')).SettingsTab);

export function MirrorPage() {
  const { name } = useParams({ from: '/frame/mirrors/$name' });
  const { tab = 'overview' } = useSearch({ from: '/frame/mirrors/$name' });
  const navigate = useNavigate();
  const mirror = useMirror(name);
  const isLive = useFollowMirror(name);
  if (mirror.isPending) return <Waiting />;
  if (!mirror.data)
    return (
      <Stack>
        <ProblemAlert
          error={mirror.error}
          title="This mirror cannot be shown"
          onRetry={() => void mirror.refetch()}
        />
        <RouteLink to="/" size="sm">
          To the mirrors
        </RouteLink>
      </Stack>
    );
  const { data } = mirror;
  return (
    <Stack>
      <Breadcrumbs>
        <RouteLink to="/" size="sm">
          Mirrors
        </RouteLink>
        <Text size="sm">{name}</Text>
      </Breadcrumbs>
      <Group justify="space-between" align="flex-start">
        <Stack gap={4}>
          <Group gap="sm">
            <Title order={1} size="h2">
              {name}
            </Title>
            <StatusBadge status={data.status} />
            <Tooltip
              label={
                isLive
                  ? 'Changes are shown as they come.'
                  : 'Not connected; looking every few seconds.'
              }
            >
              <Badge variant="dot" color={isLive ? 'teal' : 'gray'} tt="none">
                {isLive ? 'live' : 'polling'}
              </Badge>
            </Tooltip>
          </Group>
          <Text size="sm" c="dimmed">
            {data.source_peer} → {data.destination_peer} · {data.phase}
          </Text>
        </Stack>
        <MirrorActions mirror={data} />
      </Group>
      <Trouble mirror={data} />
      <Tabs
        value={tab}
        keepMounted={false}
        onChange={(value) =>
          void navigate({ to: '.', search: { tab: (value ?? 'overview') as MirrorTab } })
        }
      >
        <Tabs.List mb="md">
          {MIRROR_TABS.map((each) => (
            <Tabs.Tab
              key={each}
              value={each}
              tt="capitalize"
              rightSection={waitingOn(each, data) > 0 && <Waits count={waitingOn(each, data)} />}
            >
              {each}
            </Tabs.Tab>
          ))}
        </Tabs.List>
        <Tabs.Panel value={tab}>
          <TabContent tab={tab} mirror={data} />
        </Tabs.Panel>
      </Tabs>
    </Stack>
  );
}

/** How many things of a tab wait for somebody. */
function waitingOn(tab: MirrorTab, mirror: MirrorWithTables): number {
  if (tab === 'schema') return mirror.pending_schema_changes;
  return tab === 'tables' ? mirror.tables_waiting : 0;
}

function Waits({ count }: { readonly count: number }) {
  return (
    <Badge size="sm" color="orange" circle>
      {count}
    </Badge>
  );
}

function TabContent({
  tab,
  mirror,
}: {
  readonly tab: MirrorTab;
  readonly mirror: MirrorWithTables;
}) {
  switch (tab) {
    case 'overview':
      return <OverviewTab mirror={mirror} />;
    case 'tables':
      return <TablesTab mirror={mirror} />;
    case 'schema':
      return <SchemaTab mirror={mirror} />;
    case 'changes':
      return <ChangesTab mirror={mirror} />;
    case 'history':
      return <HistoryTab mirror={mirror} />;
    case 'logs':
      return <LogsTab mirror={mirror} />;
    case 'settings':
      return <SettingsTab mirror={mirror} />;
  }
}

function Trouble({ mirror }: { readonly mirror: MirrorWithTables }) {
  if (mirror.error_message === null) return null;
  return (
    <Alert color="red" title={mirror.error_message} role="alert">
      <Text size="sm">{mirror.error_hint}</Text>
      {!isUnattended(mirror) && (
        <Text size="sm" mt={4}>
          {mirror.next_retry_at === null
            ? 'It does not try again by itself: mend the cause, then press Retry.'
            : `The next try is at ${moment(mirror.next_retry_at)}; Retry tries now.`}
        </Text>
      )}
    </Alert>
  );
}
