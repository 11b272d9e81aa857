import { Center, Paper, PasswordInput, Stack, Text, TextInput, Title } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { type FormEvent, useState } from 'react';
import { signIn } from '../api/session.js';
import { ProblemAlert } from '../parts/problem-alert.js';
import { ExplainedButton } from '../parts/explained-button.js';

export function SignInPage() {
  const { to } = useSearch({ from: '/sign-in' });
  const navigate = useNavigate();
  const client = useQueryClient();
  const [username, setUsername] = useState('');
  const [password, setPassword] = useState('');
  const [isBusy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  const submit = async (event: FormEvent): Promise<void> => {
    event.preventDefault();
    setBusy(true);
    setError(undefined);
    try {
      await signIn(username, password);
      client.clear();
      await navigate({ href: to ?? '/' });
    } catch (failure) {
      setError(failure);
    } finally {
      setBusy(false);
    }
  };
  return (
    <Center mih="100vh" p="md">
      <Paper withBorder p="xl" w={380} component="main">
        <form onSubmit={(event) => void submit(event)}>
          <Stack>
            <Stack gap={4} align="center">
              <img src="/icon.svg" alt="" width={48} height={48} />
              <Title order={1} size="h3">
                BunnyDB
              </Title>
              <Text size="sm" c="dimmed">
                Sign in to see your mirrors.
              </Text>
            </Stack>
            <TextInput
              label="User name"
              autoComplete="username"
              required
              autoFocus
              value={username}
              onChange={(event) => setUsername(event.currentTarget.value)}
            />
            <PasswordInput
              label="Password"
              autoComplete="current-password"
              required
              value={password}
              onChange={(event) => setPassword(event.currentTarget.value)}
            />
            {error !== undefined && <ProblemAlert error={error} title="Not signed in" />}
            <ExplainedButton
              explain="Begins a session of twelve hours in this browser."
              type="submit"
              loading={isBusy}
            >
              Sign in
            </ExplainedButton>
          </Stack>
        </form>
      </Paper>
    </Center>
  );
}
