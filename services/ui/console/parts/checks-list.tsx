import { Code, CopyButton, Group, Stack, Text, ThemeIcon } from '@mantine/core';
import type { Check } from '../api/client.js';
import { ExplainedButton } from './explained-button.js';

/** The pre-flight, check by check; what failed comes with the statement or setting that mends it. */
export function ChecksList({ checks }: { readonly checks: readonly Check[] }) {
  return (
    <Stack gap="sm" component="ul" p={0} m={0} style={{ listStyle: 'none' }}>
      {checks.map((check) => (
        <Group key={check.name} align="flex-start" wrap="nowrap" component="li" gap="sm">
          <ThemeIcon color={check.ok ? 'teal' : 'red'} size="sm" radius="xl" aria-hidden>
            {check.ok ? '✓' : '✕'}
          </ThemeIcon>
          <Stack gap={4} style={{ minWidth: 0, flex: 1 }}>
            <Text size="sm" fw={500}>
              {check.name.replaceAll('_', ' ')}
              <Text span size="sm" c="dimmed" fw={400}>
                {' '}
                {check.detail}
              </Text>
            </Text>
            {!check.ok && check.fix && <Fix text={check.fix} />}
          </Stack>
        </Group>
      ))}
    </Stack>
  );
}

function Fix({ text }: { readonly text: string }) {
  return (
    <Group align="flex-start" wrap="nowrap" gap="xs">
      <Code block style={{ flex: 1, whiteSpace: 'pre-wrap' }}>
        {text}
      </Code>
      <CopyButton value={text}>
        {({ copied, copy }) => (
          <ExplainedButton
            explain="Copies it, to be run where it is needed."
            size="compact-xs"
            variant="default"
            onClick={copy}
          >
            {copied ? 'Copied' : 'Copy'}
          </ExplainedButton>
        )}
      </CopyButton>
    </Group>
  );
}
