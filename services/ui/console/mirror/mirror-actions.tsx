import { Checkbox, Group, Stack, Text } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { type MirrorWithTables, api, dataOf } from '../api/client.js';
import { mirrorKey, mirrorsKey } from '../api/mirrors.js';
import { ConfirmButton } from '../parts/confirm-button.js';

/** What can be done with a mirror as it is now. */
export function MirrorActions({ mirror }: { readonly mirror: MirrorWithTables }) {
  const { name, status } = mirror;
  const client = useQueryClient();
  const navigate = useNavigate();
  const [dropsTables, setDropsTables] = useState(false);
  const path = { params: { path: { name } } };
  const told = async (answer: Promise<{ readonly message: string }>): Promise<string> => {
    const { message } = await answer;
    await client.invalidateQueries({ queryKey: mirrorKey(name) });
    return message;
  };
  const isPaused = status === 'paused' || status === 'pausing';
  const isGoing = status === 'terminating' || status === 'stopped';
  return (
    <Group gap="xs">
      {status === 'error' && (
        <ConfirmButton
          label="Retry"
          explain="Ends the wait after the failure and tries now. Nothing is lost either way."
          variant="filled"
          act={() => told(dataOf(api.POST('/v1/mirrors/{name}/retry', { ...path, body: {} })))}
        />
      )}
      {isPaused ? (
        <ConfirmButton
          label="Resume"
          explain="Goes on where it stopped."
          act={() => told(dataOf(api.POST('/v1/mirrors/{name}/resume', path)))}
        />
      ) : (
        <ConfirmButton
          label="Pause"
          explain="Stops copying and applying. Changes wait at the source, which keeps its WAL meanwhile."
          disabled={isGoing}
          act={() => told(dataOf(api.POST('/v1/mirrors/{name}/pause', path)))}
        />
      )}
      <ConfirmButton
        label="Delete"
        explain="Ends the mirror and removes its slot, publication, stream and bookkeeping."
        color="red"
        variant="outline"
        typed={name}
        question={
          <Stack gap="xs">
            <Text size="sm">
              The mirror ends, and its slot, publication, change stream and bookkeeping are removed.
              The destination tables stay as they are.
            </Text>
            <Checkbox
              label="Drop the destination tables, too"
              checked={dropsTables}
              onChange={(event) => setDropsTables(event.currentTarget.checked)}
            />
          </Stack>
        }
        act={async () => {
          await dataOf(
            api.DELETE('/v1/mirrors/{name}', {
              params: { path: { name }, query: dropsTables ? { drop_tables: true } : {} },
            }),
          );
          await client.invalidateQueries({ queryKey: mirrorsKey });
          await navigate({ to: '/' });
          return `${name} is being deleted`;
        }}
      />
    </Group>
  );
}
