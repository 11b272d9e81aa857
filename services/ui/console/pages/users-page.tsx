import { Group, Modal, Paper, Stack, Table, Text, Title } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { type QueryClient, useQuery, useQueryClient } from '@tanstack/react-query';
import { type User, api, dataOf } from '../api/client.js';
import { useMe } from '../api/session.js';
import { AuditList, auditKey } from '../parts/audit-list.js';
import { ConfirmButton } from '../parts/confirm-button.js';
import { PasswordResetButton } from '../parts/password-reset-button.js';
import { ProblemAlert } from '../parts/problem-alert.js';
import { type Role, UserForm } from '../parts/user-form.js';
import { Waiting } from '../parts/waiting.js';
import { moment } from '../parts/words.js';
import { ExplainedButton } from '../parts/explained-button.js';

const usersKey = ['users'] as const;
const ROLE_WORDS = { admin: 'administrator', readonly: 'viewer' } as const;

/** Who may sign in, and what they may do. */
export function UsersPage() {
  const users = useQuery({ queryKey: usersKey, queryFn: () => dataOf(api.GET('/v1/users')) });
  const client = useQueryClient();
  const [isAdding, { open, close }] = useDisclosure(false);
  return (
    <Stack>
      <Group justify="space-between">
        <Title order={1} size="h2">
          Users
        </Title>
        <ExplainedButton explain="Lets one more person sign in." size="xs" onClick={open}>
          Add a user
        </ExplainedButton>
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
          <Table.ScrollContainer minWidth={680}>
            <Table verticalSpacing="sm">
              <Table.Thead>
                <Table.Tr>
                  <Table.Th>User</Table.Th>
                  <Table.Th>Role</Table.Th>
                  <Table.Th>Since</Table.Th>
                  <Table.Td />
                </Table.Tr>
              </Table.Thead>
              <Table.Tbody>
                {users.data.map((user) => (
                  <UserRow key={user.username} user={user} />
                ))}
              </Table.Tbody>
            </Table>
          </Table.ScrollContainer>
        </Paper>
      )}
      <AuditList />
      <Modal opened={isAdding} onClose={close} title="Add a user">
        <UserForm
          onDone={() => {
            close();
            void lookAgain(client);
          }}
        />
      </Modal>
    </Stack>
  );
}

async function lookAgain(client: QueryClient): Promise<void> {
  await Promise.all([usersKey, auditKey].map((queryKey) => client.invalidateQueries({ queryKey })));
}

function UserRow({ user }: { readonly user: User }) {
  const { username, role } = user;
  const isSelf = username === useMe().data?.username;
  return (
    <Table.Tr>
      <Table.Td>
        <Text fw={600} size="sm">
          {username}
        </Text>
      </Table.Td>
      <Table.Td>{ROLE_WORDS[role]}</Table.Td>
      <Table.Td>{moment(user.created_at)}</Table.Td>
      <Table.Td ta="right">
        {isSelf ? (
          <Text size="xs" c="dimmed">
            This is you: see Account.
          </Text>
        ) : (
          <UserActions username={username} role={role} />
        )}
      </Table.Td>
    </Table.Tr>
  );
}

function UserActions({ username, role }: { readonly username: string; readonly role: Role }) {
  const client = useQueryClient();
  const path = { params: { path: { username } } };
  const other: Role = role === 'admin' ? 'readonly' : 'admin';
  const look = () => lookAgain(client);
  return (
    <Group gap={6} justify="flex-end" wrap="nowrap">
      <PasswordResetButton username={username} />
      <ConfirmButton
        size="compact-xs"
        label={other === 'admin' ? 'Make an administrator' : 'Make a viewer'}
        explain="Takes effect at once; the last administrator stays one."
        act={async () => {
          await dataOf(api.PATCH('/v1/users/{username}', { ...path, body: { role: other } }));
          await look();
          return `${username} is ${other === 'admin' ? 'an administrator' : 'a viewer'} now`;
        }}
      />
      <ConfirmButton
        size="compact-xs"
        label="Delete"
        color="red"
        variant="outline"
        explain="Ends the user's sessions and the right to sign in."
        typed={username}
        question={`${username} can no longer sign in. What the user did stays in the history.`}
        act={async () => {
          await dataOf(api.DELETE('/v1/users/{username}', path));
          await look();
          return `${username} is deleted`;
        }}
      />
    </Group>
  );
}
