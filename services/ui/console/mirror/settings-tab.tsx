import { Code, Group, Stack, Text } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { type MirrorWithTables, api, dataOf } from '../api/client.js';
import { mirrorKey } from '../api/mirrors.js';
import { useMayWrite } from '../api/session.js';
import type { OptionValues } from '../parts/mirror-options.js';
import { notify } from '../parts/notices.js';
import { OptionFields } from '../parts/option-fields.js';
import { changedOptions, knownOptions } from '../parts/option-values.js';
import { ProblemAlert } from '../parts/problem-alert.js';
import { ExplainedButton } from '../parts/explained-button.js';

/** The mirror's options. What is off cannot change while it lives. */
export function SettingsTab({ mirror }: { readonly mirror: MirrorWithTables }) {
  const client = useQueryClient();
  const mayWrite = useMayWrite();
  const [changed, setChanged] = useState<OptionValues>({});
  const [isBusy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  const current = {
    ...knownOptions(mirror.config),
    publication_name: mirror.publication_name ?? '',
    replication_slot_name: mirror.slot_name ?? '',
  };
  const save = async (): Promise<void> => {
    setBusy(true);
    setError(undefined);
    try {
      await dataOf(
        api.PATCH('/v1/mirrors/{name}', { params: { path: { name: mirror.name } }, body: changed }),
      );
      await client.invalidateQueries({ queryKey: mirrorKey(mirror.name) });
      setChanged({});
      notify('The options are changed');
    } catch (failure) {
      setError(failure);
    } finally {
      setBusy(false);
    }
  };
  const count = Object.keys(changed).length;
  return (
    <Stack>
      <Text size="sm" c="dimmed">
        What cannot be changed here is fixed for the life of a mirror. A change restarts its
        sessions, which takes less than a second. Id <Code>{mirror.id}</Code>.
      </Text>
      <OptionFields
        values={{ ...current, ...changed }}
        onChange={(next) => setChanged(changedOptions(next, current))}
        isDisabled={(option) => !mayWrite || !option.isLive}
      />
      {error !== undefined && <ProblemAlert error={error} title="The options are as they were" />}
      {mayWrite && (
        <Group justify="flex-end">
          <ExplainedButton
            explain="Puts the options on this page back to what the mirror has."
            variant="default"
            disabled={count === 0}
            onClick={() => setChanged({})}
          >
            Discard
          </ExplainedButton>
          <ExplainedButton
            explain="Gives the mirror these options; its sessions restart, and nothing is copied again."
            disabled={count === 0}
            loading={isBusy}
            onClick={() => void save()}
          >
            Save
          </ExplainedButton>
        </Group>
      )}
    </Stack>
  );
}
