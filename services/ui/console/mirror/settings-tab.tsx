import { Button, Code, Group, Paper, SimpleGrid, Stack, Text } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { type MirrorWithTables, api, dataOf } from '../api/client.js';
import { mirrorKey } from '../api/mirrors.js';
import { useMayWrite } from '../api/session.js';
import { OptionFields, type OptionValues } from '../parts/option-fields.js';
import { ProblemAlert } from '../parts/problem-alert.js';
import { MIRROR_OPTIONS } from '../parts/mirror-options.js';
import { notify } from '../parts/notices.js';

/** The mirror's options. What is off cannot change while it lives. */
export function SettingsTab({ mirror }: { readonly mirror: MirrorWithTables }) {
  const config = mirror.config as Readonly<Record<string, unknown>>;
  const client = useQueryClient();
  const mayWrite = useMayWrite();
  const [changed, setChanged] = useState<OptionValues>({});
  const [isBusy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  const values = { ...known(config), ...changed };
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
  return (
    <Stack>
      <Paper withBorder p="md">
        <SimpleGrid cols={{ base: 1, md: 2 }} verticalSpacing="md">
          <OptionFields
            options={MIRROR_OPTIONS}
            values={values}
            onChange={(next) => setChanged(different(next, known(config)))}
            isDisabled={(option) => !mayWrite || !option.isLive}
          />
        </SimpleGrid>
        {error !== undefined && <ProblemAlert error={error} title="The options are as they were" />}
        <Group justify="flex-end" mt="md">
          <Button
            disabled={Object.keys(changed).length === 0}
            loading={isBusy}
            onClick={() => void save()}
          >
            Save
          </Button>
        </Group>
      </Paper>
      <Text size="sm">
        Slot <Code>{mirror.slot_name ?? '–'}</Code>, publication{' '}
        <Code>{mirror.publication_name ?? '–'}</Code>, id <Code>{mirror.id}</Code>
      </Text>
    </Stack>
  );
}

function known(config: Readonly<Record<string, unknown>>): OptionValues {
  return Object.fromEntries(
    MIRROR_OPTIONS.flatMap(({ name }) => {
      const value = config[name];
      return typeof value === 'boolean' || typeof value === 'number' || typeof value === 'string'
        ? [[name, value]]
        : [];
    }),
  );
}

function different(values: OptionValues, from: OptionValues): OptionValues {
  return Object.fromEntries(Object.entries(values).filter(([name, value]) => from[name] !== value));
}
