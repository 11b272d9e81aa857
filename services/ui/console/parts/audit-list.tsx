import { Paper, Stack, Table, Text, Title } from '@mantine/core';
import { useInfiniteQuery } from '@tanstack/react-query';
import { type AuditEntry, api, dataOf } from '../api/client.js';
import { ProblemAlert } from './problem-alert.js';
import { Waiting } from './waiting.js';
import { moment } from './words.js';
import { ExplainedButton } from './explained-button.js';

const PAGE = 25;
/** What users changed, for whoever shows it and for what makes it stale. */
export const auditKey = ['audit'] as const;

/** Who did what, newest first; it outlives users, peers and mirrors. */
export function AuditList() {
  const audit = useInfiniteQuery({
    queryKey: auditKey,
    queryFn: ({ pageParam }) =>
      dataOf(
        api.GET('/v1/audit', {
          params: {
            query: { limit: PAGE, ...(pageParam === undefined ? {} : { before: pageParam }) },
          },
        }),
      ),
    initialPageParam: undefined as number | undefined,
    getNextPageParam: (page) => (page.entries.length < PAGE ? undefined : page.entries.at(-1)?.id),
  });
  return (
    <Stack gap="xs">
      <Title order={2} size="h3" mt="lg">
        What was done
      </Title>
      <Text size="sm" c="dimmed">
        Every change that somebody made to a mirror, a peer or a user, newest first.
      </Text>
      {audit.isPending && <Waiting />}
      {audit.error && (
        <ProblemAlert
          error={audit.error}
          title="The history of changes cannot be shown"
          onRetry={() => void audit.refetch()}
        />
      )}
      {audit.data && <Entries entries={audit.data.pages.flatMap((page) => page.entries)} />}
      {audit.hasNextPage && (
        <ExplainedButton
          explain="Shows what was done before that."
          variant="default"
          loading={audit.isFetchingNextPage}
          onClick={() => void audit.fetchNextPage()}
          style={{ alignSelf: 'center' }}
        >
          Older
        </ExplainedButton>
      )}
    </Stack>
  );
}

function Entries({ entries }: { readonly entries: readonly AuditEntry[] }) {
  if (entries.length === 0) return <Text size="sm">Nobody has changed anything yet.</Text>;
  return (
    <Paper withBorder>
      <Table.ScrollContainer minWidth={680}>
        <Table verticalSpacing="xs">
          <Table.Thead>
            <Table.Tr>
              <Table.Th>When</Table.Th>
              <Table.Th>Who</Table.Th>
              <Table.Th>What</Table.Th>
              <Table.Th>Of</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {entries.map(({ id, at, actor, message, kind, name }) => (
              <Table.Tr key={id}>
                <Table.Td>{moment(at)}</Table.Td>
                <Table.Td>{actor}</Table.Td>
                <Table.Td>{message}</Table.Td>
                <Table.Td>
                  {kind} {name}
                </Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Table.ScrollContainer>
    </Paper>
  );
}
