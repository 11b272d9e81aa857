import { Group, Modal, Select, SimpleGrid, Stack, Text, TextInput } from '@mantine/core';
import { useState } from 'react';
import { usePeers } from '../api/mirrors.js';
import { PeerForm } from '../parts/peer-form.js';
import { ProblemAlert } from '../parts/problem-alert.js';
import { Waiting } from '../parts/waiting.js';
import { type StepProps, nameProblem } from './draft.js';
import { ExplainedButton } from '../parts/explained-button.js';

/** Which database is read, and which one is written. */
export function PeersStep({ draft, change }: StepProps) {
  const peers = usePeers();
  const [isAdding, setAdding] = useState(false);
  if (peers.isPending) return <Waiting />;
  if (peers.error)
    return (
      <ProblemAlert
        error={peers.error}
        title="The peers cannot be shown"
        onRetry={() => void peers.refetch()}
      />
    );
  const names = peers.data.map((peer) => peer.name);
  return (
    <Stack>
      <TextInput
        label="Name of the mirror"
        description="Small letters, digits, - and _"
        required
        error={nameProblem(draft.name)}
        value={draft.name}
        onChange={(event) => change({ name: event.currentTarget.value.trim() })}
      />
      <SimpleGrid cols={{ base: 1, xs: 2 }}>
        <Select
          label="Source: is read"
          required
          searchable
          data={names}
          value={draft.source || null}
          onChange={(value) => change({ source: value ?? '', chosen: new Map() })}
          nothingFoundMessage="Add it first"
        />
        <Select
          label="Destination: is written"
          required
          searchable
          data={names}
          value={draft.destination || null}
          error={
            draft.destination !== '' && draft.destination === draft.source
              ? 'a database cannot mirror itself'
              : undefined
          }
          onChange={(value) => change({ destination: value ?? '' })}
          nothingFoundMessage="Add it first"
        />
      </SimpleGrid>
      <Group>
        <ExplainedButton
          explain="Tells how to reach a database that is not in the lists yet."
          size="xs"
          variant="default"
          onClick={() => setAdding(true)}
        >
          Add a peer
        </ExplainedButton>
        {names.length < 2 && <Text size="sm">A mirror needs two peers.</Text>}
      </Group>
      <Modal opened={isAdding} onClose={() => setAdding(false)} title="Add a peer" size="lg">
        <PeerForm
          onDone={(name) => {
            setAdding(false);
            if (draft.source === '') change({ source: name });
            else if (draft.destination === '') change({ destination: name });
          }}
        />
      </Modal>
    </Stack>
  );
}
