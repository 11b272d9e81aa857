import { Button, Code, Group, Spoiler, Stack, Text, Timeline } from '@mantine/core';
import { useInfiniteQuery } from '@tanstack/react-query';
import { type HistoryEvent, type MirrorWithTables, api, dataOf } from '../api/client.js';
import { mirrorKey } from '../api/mirrors.js';
import { ProblemAlert } from '../parts/problem-alert.js';
import { Waiting } from '../parts/waiting.js';
import { moment } from '../parts/words.js';

const PAGE = 50;

/** What happened to the mirror, newest first: who asked, what followed, what failed. */
export function HistoryTab({ mirror }: { readonly mirror: MirrorWithTables }) {
  const { name } = mirror;
  const history = useInfiniteQuery({
    queryKey: [...mirrorKey(name), 'events'],
    queryFn: ({ pageParam }) =>
      dataOf(
        api.GET('/v1/mirrors/{name}/events', {
          params: {
            path: { name },
            query: { limit: PAGE, ...(pageParam === undefined ? {} : { before: pageParam }) },
          },
        }),
      ),
    initialPageParam: undefined as number | undefined,
    getNextPageParam: (page) => (page.events.length < PAGE ? undefined : page.events.at(-1)?.id),
  });
  if (history.isPending) return <Waiting />;
  if (history.error)
    return (
      <ProblemAlert
        error={history.error}
        title="The history cannot be shown"
        onRetry={() => void history.refetch()}
      />
    );
  const events = history.data.pages.flatMap((page) => page.events);
  return (
    <Stack>
      <Timeline bulletSize={14} lineWidth={2}>
        {events.map((event) => (
          <Timeline.Item
            key={event.id}
            title={<EventTitle event={event} />}
            color={isTrouble(event) ? 'red' : undefined}
          >
            <Details event={event} />
          </Timeline.Item>
        ))}
      </Timeline>
      {history.hasNextPage && (
        <Button
          variant="default"
          loading={history.isFetchingNextPage}
          onClick={() => void history.fetchNextPage()}
          style={{ alignSelf: 'center' }}
        >
          Older
        </Button>
      )}
    </Stack>
  );
}

function EventTitle({ event }: { readonly event: HistoryEvent }) {
  return (
    <Group gap="xs">
      <Text size="sm" fw={600}>
        {event.type.replaceAll('_', ' ')}
      </Text>
      <Text size="xs" c="dimmed">
        {moment(event.at)} · {event.actor}
      </Text>
    </Group>
  );
}

function Details({ event }: { readonly event: HistoryEvent }) {
  const text = JSON.stringify(event.body, null, 1);
  if (text === '{}') return null;
  return (
    <Spoiler maxHeight={60} showLabel="More" hideLabel="Less">
      <Code block style={{ whiteSpace: 'pre-wrap', fontSize: 12 }}>
        {text}
      </Code>
    </Spoiler>
  );
}

function isTrouble(event: HistoryEvent): boolean {
  const status = (event.body as Readonly<Record<string, unknown>>)['status'];
  return event.type.endsWith('_failed') || status === 'error' || status === 'held';
}
