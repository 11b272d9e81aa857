import { Button, PasswordInput, Select, Stack, TextInput } from '@mantine/core';
import { type FormEvent, useState } from 'react';
import { api, dataOf } from '../api/client.js';
import { notify } from './notices.js';
import { ProblemAlert } from './problem-alert.js';

export type Role = 'admin' | 'readonly';

const ROLES = [
  { value: 'admin', label: 'administrator: may do everything' },
  { value: 'readonly', label: 'viewer: may look at everything but rows and users' },
];

/** Lets one more person in. */
export function UserForm({ onDone }: { readonly onDone: () => void }) {
  const [username, setUsername] = useState('');
  const [password, setPassword] = useState('');
  const [role, setRole] = useState<Role>('readonly');
  const [isBusy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  const submit = async (event: FormEvent): Promise<void> => {
    event.preventDefault();
    setBusy(true);
    setError(undefined);
    try {
      await dataOf(api.POST('/v1/users', { body: { username, password, role } }));
      notify(`${username} can sign in now`);
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
        <TextInput
          label="User name"
          required
          autoComplete="off"
          value={username}
          onChange={(event) => setUsername(event.currentTarget.value)}
        />
        <PasswordInput
          label="Password"
          description="At least 8 characters, and hard to guess"
          required
          autoComplete="new-password"
          value={password}
          onChange={(event) => setPassword(event.currentTarget.value)}
        />
        <Select
          label="Role"
          data={ROLES}
          value={role}
          allowDeselect={false}
          onChange={(value) => setRole(value === 'admin' ? 'admin' : 'readonly')}
        />
        {error !== undefined && <ProblemAlert error={error} title="The user is not added" />}
        <Button type="submit" loading={isBusy}>
          Add
        </Button>
      </Stack>
    </form>
  );
}
