import { Group, Paper, PasswordInput, Stack, Text, Title } from '@mantine/core';
import { type FormEvent, useState } from 'react';
import { api, dataOf } from '../api/client.js';
import { useMe } from '../api/session.js';
import { notify } from '../parts/notices.js';
import { ProblemAlert } from '../parts/problem-alert.js';
import { useTourSeen } from '../parts/tour.js';
import { moment } from '../parts/words.js';
import { ExplainedButton } from '../parts/explained-button.js';

/** Who one is here, and one's password. */
export function AccountPage() {
  const me = useMe();
  const [, setTourSeen] = useTourSeen();
  return (
    <Stack maw={480}>
      <Title order={1} size="h2">
        Account
      </Title>
      {me.data && (
        <Text>
          You are <b>{me.data.username}</b>,{' '}
          {me.data.role === 'admin' ? 'an administrator' : 'with the right to look at everything'}.
          This session ends at {moment(me.data.expires_at)}.
        </Text>
      )}
      <PasswordForm />
      <Group>
        <ExplainedButton
          explain="Begins the tour that newcomers are shown."
          variant="default"
          size="xs"
          onClick={() => setTourSeen(false)}
        >
          Show the tour again
        </ExplainedButton>
      </Group>
    </Stack>
  );
}

function PasswordForm() {
  const [current, setCurrent] = useState('');
  const [next, setNext] = useState('');
  const [isBusy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  const submit = async (event: FormEvent): Promise<void> => {
    event.preventDefault();
    setBusy(true);
    setError(undefined);
    try {
      const { message } = await dataOf(
        api.POST('/v1/auth/change-password', {
          body: { current_password: current, new_password: next },
        }),
      );
      setCurrent('');
      setNext('');
      notify(message);
    } catch (failure) {
      setError(failure);
    } finally {
      setBusy(false);
    }
  };
  return (
    <Paper withBorder p="md">
      <form onSubmit={(event) => void submit(event)}>
        <Stack>
          <Title order={2} size="h4">
            Change the password
          </Title>
          <PasswordInput
            label="Current password"
            autoComplete="current-password"
            required
            value={current}
            onChange={(event) => setCurrent(event.currentTarget.value)}
          />
          <PasswordInput
            label="New password"
            description="At least 8 characters, and hard to guess"
            autoComplete="new-password"
            required
            value={next}
            onChange={(event) => setNext(event.currentTarget.value)}
          />
          <Text size="sm" c="dimmed">
            Your other sessions end.
          </Text>
          {error !== undefined && <ProblemAlert error={error} title="The password is as it was" />}
          <ExplainedButton
            explain="Sets the new password, and ends your other sessions."
            type="submit"
            loading={isBusy}
          >
            Change it
          </ExplainedButton>
        </Stack>
      </form>
    </Paper>
  );
}
