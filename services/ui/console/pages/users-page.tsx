import {
  Button,
  Group,
  Modal,
  Paper,
  PasswordInput,
  Select,
  Stack,
  Table,
  Text,
  TextInput,
  Title,
} from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { api, dataOf } from '../api/client.js';
import { useMe } from '../api/session.js';
import { ConfirmButton } from '../parts/confirm-button.js';
import { ProblemAlert } from '../parts/problem-alert.js';
import { Waiting } from '../parts/waiting.js';
import { notify } from '../parts/notices.js';
import { moment } from '../parts/words.js';

const ROLES = [
  { value: 'admin', label: 'administrator: may do everything' },
  { value: 'readonly', label: 'viewer: may look at everything' },
];
type Role = 'admin' | 'readonly';
const usersKey = ['users'] as const;

/** Who may sign in, and what they may do. */
export function UsersPage() {
  const users = useQuery({ queryKey: usersKey, queryFn: () => dataOf(api.GET('/v1/users')) });
  const me = useMe();
  const client = useQueryClient();
  const [isAdding, setAdding] = useState(false);
  const look = () => client.invalidateQueries({ queryKey: usersKey });
  return (
    <Stack>
      <Group justify="space-between">
        <Title order={1} size="h2">
          Users
        </Title>
        <Button size="xs" onClick={() => setAdding(true)}>
          Add a user
        </Button>
      </Group>
      {users.isPending && <Waiting />}
      {users.error && (
        <ProblemAlert
          error={users.error}
          title="The users cannot be shown"
          onRetry={() => void users.refetch()}
        />
      )}
      {users.data && (
        <Paper withBorder>
          <Table verticalSpacing="sm">
            <Table.Thead>
              <Table.Tr>
                <Table.Th>User</Table.Th>
                <Table.Th>Role</Table.Th>
                <Table.Th>Since</Table.Th>
                <Table.Th />
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {users.data.map((user) => {
                const path = { params: { path: { username: user.username } } };
                const isSelf = user.username === me.data?.username;
                const other: Role = user.role === 'admin' ? 'readonly' : 'admin';
                return (
                  <Table.Tr key={user.username}>
                    <Table.Td>
                      <Text fw={600} size="sm">
                        {user.username}
                        {isSelf && ' (you)'}
                      </Text>
                    </Table.Td>
                    <Table.Td>{user.role}</Table.Td>
                    <Table.Td>{moment(user.created_at)}</Table.Td>
                    <Table.Td>
                      <Group gap={6} justify="flex-end">
                        <ConfirmButton
                          size="compact-xs"
                          label={other === 'admin' ? 'Make an administrator' : 'Make a viewer'}
                          explain="Takes effect at once; the last administrator stays one."
                          disabled={isSelf}
                          act={async () => {
                            await dataOf(
                              api.PATCH('/v1/users/{username}', { ...path, body: { role: other } }),
                            );
                            await look();
                            return `${user.username} is ${other === 'admin' ? 'an administrator' : 'a viewer'} now`;
                          }}
                        />
                        <ConfirmButton
                          size="compact-xs"
                          label="Delete"
                          color="red"
                          variant="outline"
                          explain="Ends the user's sessions and the right to sign in."
                          disabled={isSelf}
                          typed={user.username}
                          question={`${user.username} can no longer sign in. What the user did stays in the history.`}
                          act={async () => {
                            await dataOf(api.DELETE('/v1/users/{username}', path));
                            await look();
                            return `${user.username} is deleted`;
                          }}
                        />
                      </Group>
                    </Table.Td>
                  </Table.Tr>
                );
              })}
            </Table.Tbody>
          </Table>
        </Paper>
      )}
      <Modal
        opened={isAdding}
        onClose={() => setAdding(false)}
        title="Add a user"
        closeButtonProps={{ 'aria-label': 'Close' }}
      >
        {isAdding && (
          <UserForm
            onDone={() => {
              setAdding(false);
              void look();
            }}
          />
        )}
      </Modal>
    </Stack>
  );
}

function UserForm({ onDone }: { readonly onDone: () => void }) {
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
