import { Button, type ButtonProps, Group, Modal, Stack, Text, TextInput } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { type ReactNode, useState } from 'react';
import { useMayWrite } from '../api/session.js';
import { notify } from './notices.js';
import { ProblemAlert } from './problem-alert.js';
import { ExplainedButton } from './explained-button.js';

interface Props extends Omit<ButtonProps, 'onClick'> {
  readonly label: string;
  /** What it does, shown before it is pressed. */
  readonly explain: string;
  /** Asked before; without it the button acts at once. */
  readonly question?: ReactNode;
  /** What has to be typed before something is destroyed. */
  readonly typed?: string;
  readonly act: () => Promise<string>;
}

/** A button that changes something: it explains itself, asks where it destroys, and tells how it went. Those who may only look do not see it. */
export function ConfirmButton({ label, explain, question, typed, act, ...rest }: Props) {
  const mayWrite = useMayWrite();
  const [isOpen, { open, close }] = useDisclosure(false);
  const [isBusy, setBusy] = useState(false);
  if (!mayWrite) return null;
  const actNow = async (): Promise<void> => {
    setBusy(true);
    try {
      notify(await act());
    } catch (failure) {
      notify(failure instanceof Error ? failure.message : label, true);
    } finally {
      setBusy(false);
    }
  };
  return (
    <>
      <ExplainedButton
        variant="default"
        size="xs"
        {...rest}
        explain={explain}
        loading={isBusy}
        onClick={() => (question === undefined ? void actNow() : open())}
      >
        {label}
      </ExplainedButton>
      <Modal opened={isOpen} onClose={close} title={label} centered>
        <Question label={label} question={question} typed={typed} act={act} onClose={close} />
      </Modal>
    </>
  );
}

type QuestionProps = Pick<Props, 'label' | 'question' | 'typed' | 'act'> & {
  readonly onClose: () => void;
};

function Question({ label, question, typed, act, onClose }: QuestionProps) {
  const [isBusy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  const [text, setText] = useState('');
  const run = async (): Promise<void> => {
    setBusy(true);
    setError(undefined);
    try {
      notify(await act());
      onClose();
    } catch (failure) {
      setError(failure);
    } finally {
      setBusy(false);
    }
  };
  return (
    <Stack>
      <Text size="sm" component="div">
        {question}
      </Text>
      {typed !== undefined && (
        <TextInput
          label={`Type ${typed} to confirm`}
          value={text}
          onChange={(event) => setText(event.currentTarget.value)}
          data-autofocus
        />
      )}
      {error !== undefined && <ProblemAlert error={error} />}
      <Group justify="flex-end">
        <Button variant="default" onClick={onClose}>
          Keep it as it is
        </Button>
        <Button
          {...(typed === undefined ? {} : { color: 'red' })}
          loading={isBusy}
          disabled={typed !== undefined && text !== typed}
          onClick={() => void run()}
        >
          {label}
        </Button>
      </Group>
    </Stack>
  );
}
