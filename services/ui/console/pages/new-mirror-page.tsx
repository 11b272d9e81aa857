import {
  Alert,
  Button,
  Group,
  Modal,
  Paper,
  Radio,
  Select,
  SimpleGrid,
  Stack,
  Stepper,
  Text,
  TextInput,
  Title,
} from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { type Preflight, api, dataOf } from '../api/client.js';
import { mirrorsKey, usePeerTables, usePeers } from '../api/mirrors.js';
import { useMayWrite } from '../api/session.js';
import { ChecksList } from '../parts/checks-list.js';
import { OptionFields, type OptionValues } from '../parts/option-fields.js';
import { PeerForm } from '../parts/peer-form.js';
import { ProblemAlert } from '../parts/problem-alert.js';
import { TablePicker } from '../parts/table-picker.js';
import { Waiting } from '../parts/waiting.js';
import { MIRROR_OPTIONS } from '../parts/mirror-options.js';
import { notify } from '../parts/notices.js';

interface Draft {
  readonly name: string;
  readonly source: string;
  readonly destination: string;
  readonly isAll: boolean;
  readonly chosen: ReadonlySet<string>;
  readonly options: OptionValues;
}

const EMPTY: Draft = {
  name: '',
  source: '',
  destination: '',
  isAll: true,
  chosen: new Set(),
  options: {},
};
const STEPS = ['Peers', 'Tables', 'Options', 'Check and start'] as const;

/** From two peers to a running mirror, in four steps. Nothing is made before the last one. */
export function NewMirrorPage() {
  const [draft, setDraft] = useState<Draft>(EMPTY);
  const [step, setStep] = useState(0);
  const mayWrite = useMayWrite();
  const change = (part: Partial<Draft>): void => setDraft({ ...draft, ...part });
  const isComplete = [
    draft.name !== '' &&
      draft.source !== '' &&
      draft.destination !== '' &&
      draft.source !== draft.destination,
    draft.isAll || draft.chosen.size > 0,
    true,
    false,
  ][step];
  return (
    <Stack maw={860}>
      <Title order={1} size="h2">
        New mirror
      </Title>
      {!mayWrite && <Alert color="gray">Only an administrator can make a mirror.</Alert>}
      <Stepper active={step} onStepClick={setStep} size="sm" allowNextStepsSelect={false}>
        {STEPS.map((label) => (
          <Stepper.Step key={label} label={label} />
        ))}
      </Stepper>
      <Paper withBorder p="md">
        {step === 0 && <PeersStep draft={draft} change={change} />}
        {step === 1 && <TablesStep draft={draft} change={change} />}
        {step === 2 && (
          <SimpleGrid cols={{ base: 1, md: 2 }} verticalSpacing="md">
            <OptionFields
              options={MIRROR_OPTIONS}
              values={draft.options}
              onChange={(options) => change({ options })}
            />
          </SimpleGrid>
        )}
        {step === 3 && <StartStep draft={draft} />}
      </Paper>
      <Group justify="space-between">
        <Button variant="default" disabled={step === 0} onClick={() => setStep(step - 1)}>
          Back
        </Button>
        {step < 3 && (
          <Button disabled={!isComplete} onClick={() => setStep(step + 1)}>
            Next
          </Button>
        )}
      </Group>
    </Stack>
  );
}

interface StepProps {
  readonly draft: Draft;
  readonly change: (part: Partial<Draft>) => void;
}

function PeersStep({ draft, change }: StepProps) {
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
          onChange={(value) => change({ source: value ?? '', chosen: new Set() })}
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
        <Button size="xs" variant="default" onClick={() => setAdding(true)}>
          Add a peer
        </Button>
        {names.length < 2 && <Text size="sm">A mirror needs two peers.</Text>}
      </Group>
      <Modal
        opened={isAdding}
        onClose={() => setAdding(false)}
        title="Add a peer"
        size="lg"
        closeButtonProps={{ 'aria-label': 'Close' }}
      >
        {isAdding && (
          <PeerForm
            onDone={(name) => {
              setAdding(false);
              if (draft.source === '') change({ source: name });
              else if (draft.destination === '') change({ destination: name });
            }}
          />
        )}
      </Modal>
    </Stack>
  );
}

function TablesStep({ draft, change }: StepProps) {
  const tables = usePeerTables(draft.source);
  return (
    <Stack>
      <Radio.Group
        value={draft.isAll ? 'all' : 'some'}
        onChange={(value) => change({ isAll: value === 'all' })}
        label="Which tables"
      >
        <Stack gap={6} mt={4}>
          <Radio value="all" label="Every table, and those that are created later" />
          <Radio value="some" label="The ones I choose" />
        </Stack>
      </Radio.Group>
      {!draft.isAll && tables.isPending && <Waiting />}
      {!draft.isAll && tables.error && (
        <ProblemAlert
          error={tables.error}
          title="The source's tables cannot be listed"
          onRetry={() => void tables.refetch()}
        />
      )}
      {!draft.isAll && tables.data && (
        <TablePicker
          tables={tables.data}
          chosen={draft.chosen}
          onChange={(chosen) => change({ chosen })}
        />
      )}
    </Stack>
  );
}

function StartStep({ draft }: { readonly draft: Draft }) {
  const client = useQueryClient();
  const navigate = useNavigate();
  const [busy, setBusy] = useState<'check' | 'start'>();
  const [preflight, setPreflight] = useState<Preflight>();
  const [error, setError] = useState<unknown>();
  const run = async (what: 'check' | 'start'): Promise<void> => {
    setBusy(what);
    setError(undefined);
    try {
      const body = bodyOf(draft);
      const checked = await dataOf(api.POST('/v1/mirrors/validate', { body }));
      setPreflight(checked);
      if (what === 'check' || !checked.ok) return;
      await dataOf(api.POST('/v1/mirrors', { body }));
      await client.invalidateQueries({ queryKey: mirrorsKey });
      notify(`${draft.name} starts`);
      await navigate({ to: '/mirrors/$name', params: { name: draft.name } });
    } catch (failure) {
      setError(failure);
    } finally {
      setBusy(undefined);
    }
  };
  return (
    <Stack>
      <Text>
        <b>{draft.name}</b> mirrors {draft.isAll ? 'every table' : `${draft.chosen.size} tables`} of{' '}
        <b>{draft.source}</b> into <b>{draft.destination}</b>. The check looks at both databases and
        changes nothing.
      </Text>
      {preflight && (
        <ChecksList
          checks={preflight.checks.toSorted((left, right) => Number(left.ok) - Number(right.ok))}
        />
      )}
      {error !== undefined && <ProblemAlert error={error} title="The mirror is not made" />}
      <Group>
        <Button variant="default" loading={busy === 'check'} onClick={() => void run('check')}>
          Check
        </Button>
        <Button loading={busy === 'start'} onClick={() => void run('start')}>
          Check and start
        </Button>
      </Group>
    </Stack>
  );
}

function bodyOf(draft: Draft) {
  return {
    name: draft.name,
    source_peer: draft.source,
    destination_peer: draft.destination,
    ...draft.options,
    ...(draft.isAll
      ? { all_tables: true }
      : {
          table_mappings: [...draft.chosen].map((table) => ({
            source_table: table,
            destination_table: table,
          })),
        }),
  };
}
