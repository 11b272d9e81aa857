import { Code, Group, Stack, Text, Timeline } from '@mantine/core';
import { useInfiniteQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { type HistoryEvent, type MirrorWithTables, api, dataOf } from '../api/client.js';
import { mirrorKey } from '../api/mirrors.js';
import { ProblemAlert } from '../parts/problem-alert.js';
import { Waiting } from '../parts/waiting.js';
import { moment } from '../parts/words.js';
import { eventFacts } from './event-facts.js';
import { ExplainedButton } from '../parts/explained-button.js';

const PAGE = 50;
const COLOR = { info: 'gray.6', warn: 'orange', error: 'red' } as const;

/** What happened to the mirror, newest first: who asked, what followed, how long it took, what failed. */
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
      <Timeline bulletSize={14} lineWidth={2} active={events.length}>
        {events.map((event) => (
          <Timeline.Item key={event.id} mt="sm" color={COLOR[event.level ?? 'info']}>
            <EventView event={event} />
          </Timeline.Item>
        ))}
      </Timeline>
      {history.hasNextPage && (
        <ExplainedButton
          explain="Shows what happened before that."
          variant="default"
          loading={history.isFetchingNextPage}
          onClick={() => void history.fetchNextPage()}
          style={{ alignSelf: 'center' }}
        >
          Older
        </ExplainedButton>
      )}
    </Stack>
  );
}

function EventView({ event }: { readonly event: HistoryEvent }) {
  const [isOpen, setOpen] = useState(false);
  const facts = [moment(event.at), event.actor, ...eventFacts(event.body)];
  return (
    <>
      <Group gap="xs" align="baseline">
        <Text size="sm" fw={500} c={event.level === 'error' ? 'red' : undefined}>
          {event.message ?? event.type.replaceAll('_', ' ')}
        </Text>
        <Text size="xs" c="dimmed">
          {facts.join(' · ')}
        </Text>
        {Object.keys(event.body).length > 0 && (
          <ExplainedButton
            explain={isOpen ? 'Hides what the event holds.' : 'Shows all that the event holds.'}
            size="compact-xs"
            variant="subtle"
            aria-expanded={isOpen}
            onClick={() => setOpen(!isOpen)}
          >
            {isOpen ? 'Less' : 'Details'}
          </ExplainedButton>
        )}
      </Group>
      {isOpen && (
        <Code block style={{ whiteSpace: 'pre-wrap', fontSize: 12 }}>
          {JSON.stringify(event.body, null, 2)}
        </Code>
      )}
    </>
  );
}
