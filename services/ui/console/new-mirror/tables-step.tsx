import { Radio, Stack, TextInput } from '@mantine/core';
import { usePeerTables } from '../api/mirrors.js';
import { ProblemAlert } from '../parts/problem-alert.js';
import { TablePicker } from '../parts/table-picker.js';
import { Waiting } from '../parts/waiting.js';
import type { StepProps } from './draft.js';

/** Which tables the mirror has. */
export function TablesStep({ draft, change }: StepProps) {
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
      {draft.isAll && (
        <TextInput
          label="Except"
          description="Names or patterns, with commas between them; also those that are created later"
          placeholder="public.log_*, audit.*"
          value={draft.except}
          onChange={(event) => change({ except: event.currentTarget.value })}
        />
      )}
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
