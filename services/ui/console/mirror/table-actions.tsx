import { Group, Stack, Text } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { type MirrorTable, type MirrorWithTables, api, dataOf } from '../api/client.js';
import { mirrorKey } from '../api/mirrors.js';
import { ConfirmButton } from '../parts/confirm-button.js';
import { type ResyncStrategy, StrategyChoice } from '../parts/strategy-choice.js';
import { failedLsn } from './failed-lsn.js';

interface Props {
  readonly mirror: MirrorWithTables;
  readonly table: MirrorTable;
}

/** What can be done with a table as it is now. */
export function TableActions({ mirror, table }: Props) {
  const waits = table.status === 'held' || table.status === 'error';
  return (
    <Group gap={6} wrap="nowrap" justify="flex-end">
      {waits && <RetryButton mirror={mirror} table={table} />}
      {HOLDABLE.includes(table.status) && <HoldButton mirror={mirror} table={table} />}
      <ResyncButton mirror={mirror} table={table} />
    </Group>
  );
}

/** A copy is not held half-way. */
const HOLDABLE: readonly MirrorTable['status'][] = ['running', 'catching_up', 'error'];

function useRetry({ mirror, table }: Props) {
  const client = useQueryClient();
  return async (skip: { readonly skip_lsn?: string }): Promise<string> => {
    const { message } = await dataOf(
      api.POST('/v1/mirrors/{name}/retry', {
        params: { path: { name: mirror.name } },
        body: { table: table.table_name, ...skip },
      }),
    );
    await client.invalidateQueries({ queryKey: mirrorKey(mirror.name) });
    return message;
  };
}

function RetryButton(props: Props) {
  const retry = useRetry(props);
  return (
    <ConfirmButton
      size="compact-xs"
      label={props.table.status === 'held' ? 'Release' : 'Retry'}
      explain="Applies what waits for this table now. Nothing is lost if it fails again."
      act={() => retry({})}
    />
  );
}

function HoldButton({ mirror, table }: Props) {
  const client = useQueryClient();
  return (
    <ConfirmButton
      size="compact-xs"
      label="Hold"
      explain="Stops applying changes to this table until somebody releases it. They are kept at the destination, and all other tables go on."
      act={async () => {
        const { message } = await dataOf(
          api.POST('/v1/mirrors/{name}/hold/{table}', {
            params: { path: { name: mirror.name, table: table.table_name } },
          }),
        );
        await client.invalidateQueries({ queryKey: mirrorKey(mirror.name) });
        return message;
      }}
    />
  );
}

/** For a table that waits for one transaction, where its failure tells which. */
export function SkipButton(props: Props) {
  const retry = useRetry(props);
  const lsn = failedLsn(props.table.error_message);
  if (lsn === undefined) return null;
  return (
    <ConfirmButton
      size="compact-xs"
      color="red"
      variant="outline"
      mt={6}
      label="Skip transaction"
      explain="Retries without what the failing transaction did to this table. That is lost to the destination."
      typed={props.table.table_name}
      question={`The changes that the transaction ${lsn} made to ${props.table.table_name} are left out for good; all its other tables keep theirs. Source and destination differ by that until the table is copied again. The log says who asked for it.`}
      act={() => retry({ skip_lsn: lsn })}
    />
  );
}

function ResyncButton({ mirror, table }: Props) {
  const client = useQueryClient();
  const [strategy, setStrategy] = useState<ResyncStrategy>('truncate');
  return (
    <ConfirmButton
      size="compact-xs"
      label="Resync"
      explain="Copies this table again while all the others go on."
      disabled={table.status === 'resyncing' || table.status === 'copying'}
      question={
        <Stack gap="xs">
          <Text size="sm">
            {table.table_name} is copied again from the source. The other tables go on, and no slot
            is dropped.
          </Text>
          <StrategyChoice value={strategy} onChange={setStrategy} />
        </Stack>
      }
      act={async () => {
        await dataOf(
          api.POST('/v1/mirrors/{name}/resync/{table}', {
            params: { path: { name: mirror.name, table: table.table_name } },
            body: { strategy },
          }),
        );
        await client.invalidateQueries({ queryKey: mirrorKey(mirror.name) });
        return `${table.table_name} is being copied again`;
      }}
    />
  );
}
