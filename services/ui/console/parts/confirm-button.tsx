import {
  Button,
  type ButtonProps,
  Group,
  Modal,
  Stack,
  Text,
  TextInput,
  Tooltip,
} from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { type ReactNode, useState } from 'react';
import { useMayWrite } from '../api/session.js';
import { notify } from './notices.js';
import { ProblemAlert } from './problem-alert.js';

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

/** A button that changes something: it explains itself, asks where it destroys, tells how it went, and is off for those who may only look. */
export function ConfirmButton({ label, explain, question, typed, act, ...rest }: Props) {
  const mayWrite = useMayWrite();
  const [isOpen, { open, close }] = useDisclosure(false);
  const [isBusy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  const [text, setText] = useState('');
  const run = async (): Promise<void> => {
    setBusy(true);
    setError(undefined);
    try {
      notify(await act());
      close();
      setText('');
    } catch (failure) {
      setError(failure);
      if (question === undefined) notify(failure instanceof Error ? failure.message : label, true);
    } finally {
      setBusy(false);
    }
  };
  return (
    <>
      <Tooltip
        label={mayWrite ? explain : `${explain} Only an administrator may.`}
        multiline
        maw={320}
        withArrow
      >
        <Button
          variant="default"
          size="xs"
          {...rest}
          data-disabled={!mayWrite || rest.disabled || undefined}
          aria-disabled={!mayWrite || undefined}
          loading={isBusy && question === undefined}
          onClick={() => {
            if (!mayWrite || rest.disabled) return;
            if (question === undefined) void run();
            else open();
          }}
        >
          {label}
        </Button>
      </Tooltip>
      <Modal
        opened={isOpen}
        onClose={close}
        title={label}
        centered
        closeButtonProps={{ 'aria-label': 'Close' }}
      >
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
            <Button variant="default" onClick={close}>
              Keep it as it is
            </Button>
            <Button
              color={typed === undefined ? undefined : 'red'}
              loading={isBusy}
              disabled={typed !== undefined && text !== typed}
              onClick={() => void run()}
            >
              {label}
            </Button>
          </Group>
        </Stack>
      </Modal>
    </>
  );
}
