import { Alert, Code, List, Stack, Text } from '@mantine/core';
import { ApiProblem } from '../api/client.js';
import { ChecksList } from './checks-list.js';
import { ExplainedButton } from './explained-button.js';

interface Props {
  readonly error: unknown;
  readonly title?: string;
  readonly onRetry?: () => void;
}

/** What went wrong, in the gateway's words, with what to do about it. */
export function ProblemAlert({ error, title = 'That did not work', onRetry }: Props) {
  const problem = error instanceof ApiProblem ? error.problem : undefined;
  return (
    <Alert color="red" title={title} role="alert">
      <Stack gap="xs" align="flex-start">
        <Text size="sm">
          {error instanceof Error ? error.message : 'The console is not connected.'}
        </Text>
        {problem?.fields && problem.fields.length > 0 && (
          <List size="sm">
            {problem.fields.map((field) => (
              <List.Item key={field.path}>
                <Code>{field.path}</Code> {field.message}
              </List.Item>
            ))}
          </List>
        )}
        {problem?.checks && <ChecksList checks={problem.checks.filter((check) => !check.ok)} />}
        {problem?.request_id && (
          <Text size="xs" c="dimmed">
            request {problem.request_id}
          </Text>
        )}
        {onRetry && (
          <ExplainedButton
            explain="Asks the gateway again."
            size="xs"
            variant="default"
            onClick={onRetry}
          >
            Try again
          </ExplainedButton>
        )}
      </Stack>
    </Alert>
  );
}
