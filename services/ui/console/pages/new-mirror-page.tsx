import { Alert, Group, Paper, Stack, Stepper, Title } from '@mantine/core';
import { useState } from 'react';
import { useMayWrite } from '../api/session.js';
import { type Draft, EMPTY_DRAFT, arePeersChosen, areTablesChosen } from '../new-mirror/draft.js';
import { PeersStep } from '../new-mirror/peers-step.js';
import { StartStep } from '../new-mirror/start-step.js';
import { TablesStep } from '../new-mirror/tables-step.js';
import { OptionFields } from '../parts/option-fields.js';
import { ExplainedButton } from '../parts/explained-button.js';

const STEPS = ['Peers', 'Tables', 'Options', 'Check and start'] as const;

/** From two peers to a running mirror, in four steps. Nothing is made before the last one. */
export function NewMirrorPage() {
  const [draft, setDraft] = useState<Draft>(EMPTY_DRAFT);
  const [step, setStep] = useState(0);
  const mayWrite = useMayWrite();
  const change = (part: Partial<Draft>): void => setDraft((before) => ({ ...before, ...part }));
  const isComplete = [arePeersChosen(draft), areTablesChosen(draft), true, false][step];
  if (!mayWrite) {
    return <Alert color="gray">Only an administrator can make a mirror.</Alert>;
  }
  return (
    <Stack maw={860}>
      <Title order={1} size="h2">
        New mirror
      </Title>
      <Stepper active={step} onStepClick={setStep} size="sm" allowNextStepsSelect={false}>
        {STEPS.map((label) => (
          <Stepper.Step key={label} label={label} />
        ))}
      </Stepper>
      {step === 2 ? (
        <OptionFields values={draft.options} onChange={(options) => change({ options })} />
      ) : (
        <Paper withBorder p="md">
          {step === 0 && <PeersStep draft={draft} change={change} />}
          {step === 1 && <TablesStep draft={draft} change={change} />}
          {step === 3 && <StartStep draft={draft} />}
        </Paper>
      )}
      <Group justify="space-between">
        <ExplainedButton
          explain="Goes back a step; what you chose stays."
          variant="default"
          style={{ visibility: step === 0 ? 'hidden' : 'visible' }}
          onClick={() => setStep(step - 1)}
        >
          Back
        </ExplainedButton>
        {step < STEPS.length - 1 && (
          <ExplainedButton
            explain="Goes on to the next step. Nothing is made before the last one."
            disabled={!isComplete}
            onClick={() => setStep(step + 1)}
          >
            Next
          </ExplainedButton>
        )}
      </Group>
    </Stack>
  );
}
