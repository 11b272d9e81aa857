import { List, Paper, Stack, Text, Title } from '@mantine/core';
import { RouteButton } from './route-link.js';
import { useMayWrite } from '../api/session.js';

/** What a newcomer does first; shown as long as there is no mirror. */
export function FirstSteps() {
  const mayWrite = useMayWrite();
  return (
    <Paper withBorder p="xl">
      <Stack maw={620}>
        <Title order={2} size="h4">
          No mirror yet
        </Title>
        <Text>
          A mirror copies a PostgreSQL database into another one and keeps it equal from then on. It
          takes three steps:
        </Text>
        <List type="ordered" spacing="xs">
          <List.Item>
            <b>Add two peers</b>: the database that is read and the one that is written. Each is
            tested at once.
          </List.Item>
          <List.Item>
            <b>Choose tables</b>: all, whole schemas, or some. What has to be prepared on either
            side is shown with the statement that does it.
          </List.Item>
          <List.Item>
            <b>Start</b>: the tables are copied, then every change follows within milliseconds,
            indexes and foreign keys included.
          </List.Item>
        </List>
        {mayWrite ? (
          <RouteButton
            aria-description="Leads to four steps; nothing is made before the last one."
            title="Leads to four steps; nothing is made before the last one."
            to="/new-mirror"
            style={{ alignSelf: 'flex-start' }}
          >
            Make the first mirror
          </RouteButton>
        ) : (
          <Text c="dimmed">Ask an administrator to make one; you may look at everything.</Text>
        )}
      </Stack>
    </Paper>
  );
}
