import { Button, Modal, PasswordInput, Stack, Text } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { type FormEvent, useState } from 'react';
import { api, dataOf } from '../api/client.js';
import { notify } from './notices.js';
import { ProblemAlert } from './problem-alert.js';
import { ExplainedButton } from './explained-button.js';

/** Gives a user another password, when it was forgotten or should no longer be good. */
export function PasswordResetButton({ username }: { readonly username: string }) {
  const [isOpen, { open, close }] = useDisclosure(false);
  return (
    <>
      <ExplainedButton
        explain="Gives the user another password, and ends all of the user's sessions."
        size="compact-xs"
        variant="default"
        onClick={open}
      >
        New password
      </ExplainedButton>
      <Modal opened={isOpen} onClose={close} title={`A new password for ${username}`}>
        <ResetForm username={username} onDone={close} />
      </Modal>
    </>
  );
}

interface Props {
  readonly username: string;
  readonly onDone: () => void;
}

function ResetForm({ username, onDone }: Props) {
  const [password, setPassword] = useState('');
  const [isBusy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  const submit = async (event: FormEvent): Promise<void> => {
    event.preventDefault();
    setBusy(true);
    setError(undefined);
    try {
      const params = { path: { username } };
      await dataOf(api.PATCH('/v1/users/{username}', { params, body: { password } }));
      notify(`${username} has a new password`);
      onDone();
    } catch (failure) {
      setError(failure);
    } finally {
      setBusy(false);
    }
  };
  return (
    <form onSubmit={(event) => void submit(event)}>
      <Stack>
        <Text size="sm">All sessions of {username} end.</Text>
        <PasswordInput
          label="New password"
          description="At least 8 characters, and hard to guess"
          required
          data-autofocus
          autoComplete="new-password"
          value={password}
          onChange={(event) => setPassword(event.currentTarget.value)}
        />
        {error !== undefined && <ProblemAlert error={error} title="The password is as it was" />}
        <Button type="submit" loading={isBusy}>
          Set it
        </Button>
      </Stack>
    </form>
  );
}
