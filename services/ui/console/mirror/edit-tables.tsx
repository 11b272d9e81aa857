import { Button, Group, Modal, Stack, Text } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { type MirrorWithTables, api, dataOf } from '../api/client.js';
import { mirrorKey, usePeerTables } from '../api/mirrors.js';
import { useMayWrite } from '../api/session.js';
import { notify } from '../parts/notices.js';
import { ProblemAlert } from '../parts/problem-alert.js';
import { TablePicker } from '../parts/table-picker.js';
import { Waiting } from '../parts/waiting.js';
import { ExplainedButton } from '../parts/explained-button.js';

/** Adds tables to a living mirror, and takes others out. */
export function EditTables({ mirror }: { readonly mirror: MirrorWithTables }) {
  const mayWrite = useMayWrite();
  const [isOpen, { open, close }] = useDisclosure(false);
  if (!mayWrite) return null;
  return (
    <>
      <ExplainedButton
        explain="Tables are added and removed while the mirror goes on; new ones are copied and join."
        size="xs"
        variant="default"
        onClick={open}
      >
        Add or remove tables
      </ExplainedButton>
      <Modal opened={isOpen} onClose={close} size="lg" title="Tables of the mirror">
        <Editor mirror={mirror} onDone={close} />
      </Modal>
    </>
  );
}

function Editor({
  mirror,
  onDone,
}: {
  readonly mirror: MirrorWithTables;
  readonly onDone: () => void;
}) {
  const client = useQueryClient();
  const tables = usePeerTables(mirror.source_peer);
  const before = new Map(mirror.tables.map((table) => [table.table_name, table.destination_table]));
  const [chosen, setChosen] = useState<ReadonlyMap<string, string>>(before);
  const [isBusy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  if (tables.isPending) return <Waiting />;
  if (tables.error)
    return (
      <ProblemAlert
        error={tables.error}
        title="The source's tables cannot be listed"
        onRetry={() => void tables.refetch()}
      />
    );
  const added = [...chosen.keys()].filter((table) => !before.has(table));
  const removed = [...before.keys()].filter((table) => !chosen.has(table));
  const save = async (): Promise<void> => {
    setBusy(true);
    setError(undefined);
    try {
      await dataOf(
        api.PUT('/v1/mirrors/{name}/tables', {
          params: { path: { name: mirror.name } },
          body: {
            table_mappings: [...chosen].map(([source_table, destination_table]) => ({
              source_table,
              destination_table,
            })),
          },
        }),
      );
      await client.invalidateQueries({ queryKey: mirrorKey(mirror.name) });
      notify(`${added.length} added, ${removed.length} removed; new tables are copied now`);
      onDone();
    } catch (failure) {
      setError(failure);
    } finally {
      setBusy(false);
    }
  };
  return (
    <Stack>
      <TablePicker tables={tables.data} chosen={chosen} settled={before} onChange={setChosen} />
      {removed.length > 0 && (
        <Text size="sm">
          {removed.length === 1 ? `${removed[0] ?? ''} leaves` : `${removed.length} tables leave`}{' '}
          the mirror; at the destination they stay as they are.
        </Text>
      )}
      {error !== undefined && <ProblemAlert error={error} title="The tables are as they were" />}
      <Group justify="flex-end">
        <Button variant="default" onClick={onDone}>
          Cancel
        </Button>
        <Button
          loading={isBusy}
          disabled={chosen.size === 0 || (added.length === 0 && removed.length === 0)}
          onClick={() => void save()}
        >
          {added.length === 0 && removed.length === 0
            ? 'Nothing to change'
            : `Add ${added.length}, remove ${removed.length}`}
        </Button>
      </Group>
    </Stack>
  );
}
