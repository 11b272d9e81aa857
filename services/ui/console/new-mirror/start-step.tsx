import { Group, Stack, Text } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { type Preflight, api, dataOf } from '../api/client.js';
import { mirrorsKey } from '../api/mirrors.js';
import { ChecksList } from '../parts/checks-list.js';
import { notify } from '../parts/notices.js';
import { ProblemAlert } from '../parts/problem-alert.js';
import { plural } from '../parts/words.js';
import { type Draft, mirrorRequest } from './draft.js';
import { ExplainedButton } from '../parts/explained-button.js';

/** Looks at both sides, says what has to be mended and how, and starts. */
export function StartStep({ draft }: { readonly draft: Draft }) {
  const client = useQueryClient();
  const navigate = useNavigate();
  const [busy, setBusy] = useState<'check' | 'start'>();
  const [preflight, setPreflight] = useState<Preflight>();
  const [error, setError] = useState<unknown>();
  const run = async (what: 'check' | 'start'): Promise<void> => {
    setBusy(what);
    setError(undefined);
    try {
      const body = mirrorRequest(draft);
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
        <b>{draft.name}</b> mirrors{' '}
        {draft.isAll ? everyTable(draft.except.trim()) : plural(draft.chosen.size, 'table')} of{' '}
        <b>{draft.source}</b> into <b>{draft.destination}</b>. The check looks at both databases and
        changes nothing.
      </Text>
      <Group>
        <ExplainedButton
          explain="Looks at both databases and says what would be in the way. Changes nothing."
          variant="default"
          loading={busy === 'check'}
          onClick={() => void run('check')}
        >
          Check
        </ExplainedButton>
        <ExplainedButton
          explain="Checks once more; if nothing is in the way, makes the mirror and begins to copy."
          loading={busy === 'start'}
          onClick={() => void run('start')}
        >
          Check and start
        </ExplainedButton>
      </Group>
      {preflight && <Verdict preflight={preflight} />}
      {error !== undefined && <ProblemAlert error={error} title="The mirror is not made" />}
    </Stack>
  );
}

function Verdict({ preflight }: { readonly preflight: Preflight }) {
  const failed = preflight.checks.filter((check) => !check.ok);
  return (
    <Stack gap="sm" role="status">
      <Text fw={500}>
        {failed.length === 0
          ? `All ${preflight.checks.length} checks passed.`
          : `${plural(failed.length, 'check')} of ${preflight.checks.length} failed. Each says what mends it.`}
      </Text>
      <ChecksList
        checks={preflight.checks.toSorted((left, right) => Number(left.ok) - Number(right.ok))}
      />
    </Stack>
  );
}

const everyTable = (except: string): string =>
  except === '' ? 'every table' : `every table except ${except}`;
