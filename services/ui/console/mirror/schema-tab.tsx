import { Alert, Badge, Checkbox, Code, Group, Paper, Stack, Text } from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { type MirrorWithTables, type SchemaChange, api, dataOf } from '../api/client.js';
import { mirrorKey } from '../api/mirrors.js';
import { ConfirmButton } from '../parts/confirm-button.js';
import { notify } from '../parts/notices.js';
import { ProblemAlert } from '../parts/problem-alert.js';
import { Waiting } from '../parts/waiting.js';
import { plural } from '../parts/words.js';
import { ExplainedButton } from '../parts/explained-button.js';

/** How the destination's structure differs from the source's, with the statements that end the difference. */
export function SchemaTab({ mirror }: { readonly mirror: MirrorWithTables }) {
  const { name } = mirror;
  const diff = useQuery({
    queryKey: [...mirrorKey(name), 'schema-diff', mirror.pending_schema_changes],
    queryFn: () =>
      dataOf(api.GET('/v1/mirrors/{name}/schema-diff', { params: { path: { name } } })),
    staleTime: 10_000,
  });
  if (diff.isPending) return <Waiting />;
  if (diff.error)
    return (
      <ProblemAlert
        error={diff.error}
        title="Both sides could not be compared"
        onRetry={() => void diff.refetch()}
      />
    );
  const { changes, notes, tables } = diff.data;
  return (
    <Stack>
      <Group justify="space-between">
        <Text>
          {changes.length === 0
            ? `All ${tables.length} tables have the source's structure.`
            : `${plural(changes.length, 'difference')} in ${plural(tables.length, 'table')}.`}
        </Text>
        <ExplainedButton
          explain="Reads the structure of both sides again. Changes nothing."
          size="xs"
          variant="default"
          loading={diff.isFetching}
          onClick={() => void diff.refetch()}
        >
          Compare again
        </ExplainedButton>
      </Group>
      {changes.length > 0 && <Changes mirror={mirror} changes={changes} />}
      {notes.length > 0 && (
        <Alert color="gray" title="Known differences that no statement ends">
          {notes.map((note) => (
            <Text key={note.object + note.reason} size="sm">
              <b>{note.object}</b>: {note.reason}
            </Text>
          ))}
        </Alert>
      )}
    </Stack>
  );
}

function Changes({
  mirror,
  changes,
}: {
  readonly mirror: MirrorWithTables;
  readonly changes: readonly SchemaChange[];
}) {
  const { name } = mirror;
  const client = useQueryClient();
  const [chosen, setChosen] = useState<ReadonlySet<string>>(
    new Set(changes.filter((change) => !change.destructive).map((change) => change.id)),
  );
  const selected = changes.filter((change) => chosen.has(change.id));
  const destroys = selected.some((change) => change.destructive);
  const sync = (isDry: boolean) =>
    dataOf(
      api.POST('/v1/mirrors/{name}/sync-schema', {
        params: { path: { name } },
        body: {
          changes: selected.map((change) => change.id),
          allow_destructive: destroys,
          dry_run: isDry,
        },
      }),
    );
  return (
    <Stack>
      {changes.map((change) => (
        <ChangeCard
          key={change.id}
          change={change}
          isChosen={chosen.has(change.id)}
          onChoose={(isChosen) => {
            const next = new Set(chosen);
            if (isChosen) next.add(change.id);
            else next.delete(change.id);
            setChosen(next);
          }}
        />
      ))}
      <Group justify="flex-end">
        <ConfirmButton
          label="Dry run"
          explain="Says what would be done. Nothing is changed."
          disabled={selected.length === 0}
          act={async () => {
            const { skipped } = await sync(true);
            const dry = skipped.filter((change) => change.outcome === 'dry run').length;
            return `${plural(dry, 'change')} would be made`;
          }}
        />
        <ConfirmButton
          label={`Apply ${selected.length}`}
          explain="Runs the chosen statements at the destination, one by one, and releases tables that wait for them."
          variant="filled"
          disabled={selected.length === 0}
          typed={destroys ? name : undefined}
          question={
            destroys
              ? 'Some of the chosen changes destroy data at the destination.'
              : `${plural(selected.length, 'statement')} will run at the destination. The first that fails ends it; what was made before stays.`
          }
          act={async () => {
            const { applied, failed } = await sync(false);
            await client.invalidateQueries({ queryKey: mirrorKey(name) });
            for (const change of failed) notify(`${change.object}: ${change.outcome}`, true);
            return `${plural(applied.length, 'change')} made`;
          }}
        />
      </Group>
    </Stack>
  );
}

interface CardProps {
  readonly change: SchemaChange;
  readonly isChosen: boolean;
  readonly onChoose: (isChosen: boolean) => void;
}

function ChangeCard({ change, isChosen, onChoose }: CardProps) {
  return (
    <Paper withBorder p="sm">
      <Group align="flex-start" wrap="nowrap">
        <Checkbox
          mt={4}
          checked={isChosen}
          aria-label={`choose ${change.kind} of ${change.object}`}
          onChange={(event) => onChoose(event.currentTarget.checked)}
        />
        <Stack gap={4} style={{ flex: 1, minWidth: 0 }}>
          <Group gap="xs">
            <Text size="sm" fw={600}>
              {change.kind.replaceAll('_', ' ')} · {change.object}
            </Text>
            {change.destructive && (
              <Badge color="red" variant="light" tt="none">
                destroys data
              </Badge>
            )}
          </Group>
          <Text size="sm" c="dimmed">
            {change.reason}
          </Text>
          <Code block style={{ whiteSpace: 'pre-wrap' }}>
            {change.sql}
          </Code>
          <Text size="xs" c="dimmed">
            locks: {change.locks}
          </Text>
        </Stack>
      </Group>
    </Paper>
  );
}
