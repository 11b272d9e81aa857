import { Checkbox, Group, Stack, Text } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { type MirrorWithTables, api, dataOf } from '../api/client.js';
import { mirrorKey, mirrorsKey } from '../api/mirrors.js';
import { ConfirmButton } from '../parts/confirm-button.js';
import { type ResyncStrategy, StrategyChoice } from '../parts/strategy-choice.js';

interface Props {
  readonly mirror: MirrorWithTables;
}

/** What can be done with a mirror as it is now. */
export function MirrorActions({ mirror }: Props) {
  const { name, status } = mirror;
  const told = useTold(name);
  const path = { params: { path: { name } } };
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
      <ResyncButton mirror={mirror} />
      <DeleteButton mirror={mirror} />
    </Group>
  );
}

/** Looks again, and tells what the gateway said. */
function useTold(name: string) {
  const client = useQueryClient();
  return async (answer: Promise<{ readonly message: string }>): Promise<string> => {
    const { message } = await answer;
    await client.invalidateQueries({ queryKey: mirrorKey(name) });
    return message;
  };
}

function ResyncButton({ mirror }: Props) {
  const { name, status } = mirror;
  const told = useTold(name);
  const [strategy, setStrategy] = useState<ResyncStrategy>('truncate');
  return (
    <ConfirmButton
      label="Resync"
      explain="Copies every table again. For one table, see the tab Tables."
      disabled={status !== 'running' && status !== 'error'}
      typed={name}
      question={
        <Stack gap="xs">
          <Text size="sm">
            All {mirror.tables.length} tables are copied again from the source, as after a start.
            Slot and publication stay, and no change is lost.
          </Text>
          <StrategyChoice value={strategy} onChange={setStrategy} />
        </Stack>
      }
      act={() =>
        told(
          dataOf(
            api.POST('/v1/mirrors/{name}/resync', {
              params: { path: { name } },
              body: { strategy },
            }),
          ),
        )
      }
    />
  );
}

function DeleteButton({ mirror }: Props) {
  const { name } = mirror;
  const client = useQueryClient();
  const navigate = useNavigate();
  const [dropsTables, setDropsTables] = useState(false);
  const [isForced, setForced] = useState(false);
  return (
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
          <Checkbox
            label="Give up on a server that cannot be reached"
            description="What then stays behind on it is listed; a slot that stays keeps its WAL."
            checked={isForced}
            onChange={(event) => setForced(event.currentTarget.checked)}
          />
        </Stack>
      }
      act={async () => {
        const query = {
          ...(dropsTables && { drop_tables: true }),
          ...(isForced && { force: true }),
        };
        await dataOf(api.DELETE('/v1/mirrors/{name}', { params: { path: { name }, query } }));
        await client.invalidateQueries({ queryKey: mirrorsKey });
        await navigate({ to: '/' });
        return `${name} is being deleted`;
      }}
    />
  );
}
