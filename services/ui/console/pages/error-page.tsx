import { Stack } from '@mantine/core';
import { ExplainedButton } from '../parts/explained-button.js';
import { ProblemAlert } from '../parts/problem-alert.js';

/** In place of a page that could not be fetched or drawn: after an update of the console its old parts are gone, and loading it anew is what helps. */
export function ErrorPage({ error }: { readonly error: unknown }) {
  return (
    <Stack align="flex-start" maw={620}>
      <ProblemAlert error={error} title="This page cannot be shown" />
      <ExplainedButton
        explain="Loads the console anew, as it is on the server now. You stay signed in."
        onClick={() => window.location.reload()}
      >
        Load again
      </ExplainedButton>
    </Stack>
  );
}
