import { Group, Modal, Paper, Stack, Table, Text, Title } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { type Peer, type PeerTest, api, dataOf } from '../api/client.js';
import { usePeers } from '../api/mirrors.js';
import { useMayWrite } from '../api/session.js';
import { ConfirmButton } from '../parts/confirm-button.js';
import { PeerForm } from '../parts/peer-form.js';
import { ProblemAlert } from '../parts/problem-alert.js';
import { Waiting } from '../parts/waiting.js';
import { peerTestWords } from '../parts/peer-test-words.js';
import { ExplainedButton } from '../parts/explained-button.js';

/** The databases that mirrors read and write. */
export function PeersPage() {
  const peers = usePeers();
  const mayWrite = useMayWrite();
  const [edited, setEdited] = useState<Peer | 'new'>();
  return (
    <Stack>
      <Group justify="space-between">
        <Title order={1} size="h2">
          Peers
        </Title>
        {mayWrite && (
          <ExplainedButton
            explain="Tells how to reach one more database."
            size="xs"
            onClick={() => setEdited('new')}
          >
            Add a peer
          </ExplainedButton>
        )}
      </Group>
      {peers.isPending && <Waiting />}
      {peers.error && (
        <ProblemAlert
          error={peers.error}
          title="The peers cannot be shown"
          onRetry={() => void peers.refetch()}
        />
      )}
      {peers.data?.length === 0 && (
        <Paper withBorder p="xl">
          <Text>
            A peer is a PostgreSQL database that mirrors read or write. Add two, then make a mirror
            between them.
          </Text>
        </Paper>
      )}
      {peers.data && peers.data.length > 0 && (
        <Paper withBorder>
          <Table.ScrollContainer minWidth={760}>
            <Table verticalSpacing="sm">
              <Table.Thead>
                <Table.Tr>
                  <Table.Th>Name</Table.Th>
                  <Table.Th>Where</Table.Th>
                  <Table.Th>User</Table.Th>
                  <Table.Th>TLS</Table.Th>
                  <Table.Td />
                </Table.Tr>
              </Table.Thead>
              <Table.Tbody>
                {peers.data.map((peer) => (
                  <PeerRow key={peer.name} peer={peer} onEdit={() => setEdited(peer)} />
                ))}
              </Table.Tbody>
            </Table>
          </Table.ScrollContainer>
        </Paper>
      )}
      <Modal
        opened={edited !== undefined}
        onClose={() => setEdited(undefined)}
        title={edited === 'new' ? 'Add a peer' : `Change ${edited?.name ?? ''}`}
        size="lg"
      >
        {edited !== undefined && (
          <PeerForm
            peer={edited === 'new' ? undefined : edited}
            onDone={() => setEdited(undefined)}
          />
        )}
      </Modal>
    </Stack>
  );
}

function PeerRow({ peer, onEdit }: { readonly peer: Peer; readonly onEdit: () => void }) {
  const client = useQueryClient();
  const mayWrite = useMayWrite();
  const [test, setTest] = useState<PeerTest>();
  const path = { params: { path: { name: peer.name } } };
  return (
    <Table.Tr>
      <Table.Td>
        <Text fw={600} size="sm">
          {peer.name}
        </Text>
      </Table.Td>
      <Table.Td>
        <Text size="sm">
          {peer.host}:{peer.port}/{peer.database}
        </Text>
        {test && (
          <Text size="xs" c={test.success ? 'dimmed' : 'red'} role="status">
            {peerTestWords(test)}
          </Text>
        )}
      </Table.Td>
      <Table.Td>
        {peer.user}
        {!peer.has_password && (
          <Text size="xs" c="dimmed">
            no password
          </Text>
        )}
      </Table.Td>
      <Table.Td>{peer.ssl_mode}</Table.Td>
      <Table.Td>
        <Group gap={6} justify="flex-end" wrap="nowrap">
          <ConfirmButton
            size="compact-xs"
            label="Test"
            explain="Connects and looks at what the server allows. Changes nothing."
            act={async () => {
              const answer = await dataOf(api.POST('/v1/peers/{name}/test', path));
              setTest(answer);
              return peerTestWords(answer);
            }}
          />
          {mayWrite && (
            <ExplainedButton
              explain="Changes how the database is reached. Mirrors that use it connect anew."
              size="compact-xs"
              variant="default"
              onClick={onEdit}
            >
              Edit
            </ExplainedButton>
          )}
          <ConfirmButton
            size="compact-xs"
            label="Delete"
            explain="Forgets how to reach this database. Refused while a mirror uses it."
            color="red"
            variant="outline"
            question={`${peer.name} is forgotten, its password too. The database itself is not touched.`}
            act={async () => {
              await dataOf(api.DELETE('/v1/peers/{name}', path));
              await client.invalidateQueries({ queryKey: ['peers'] });
              return `${peer.name} is forgotten`;
            }}
          />
        </Group>
      </Table.Td>
    </Table.Tr>
  );
}
